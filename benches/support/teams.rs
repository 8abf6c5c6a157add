//! What an SBC and Microsoft's SIP proxy say to each other on Direct Routing, each in its own style: the service writes header names
//! in capitals, names itself `Microsoft.PSTNHub.SIPProxy` and adds `X-MS-` headers.

use std::net::{Ipv4Addr, SocketAddrV4};

/// One message of a dialog's script.
pub struct Step {
    /// Who began the dialog sends it.
    pub opener: bool,
    /// Empty for a request.
    pub status: &'static str,
    /// Of the request, or of the request that is answered.
    pub method: &'static str,
    /// The number in CSeq.
    pub cseq: u32,
    /// Time after the message before, in µs.
    pub after: u64,
}

impl Step {
    /// Whether this is a request.
    pub fn is_request(&self) -> bool {
        self.status.is_empty()
    }

    /// Whether an offer or answer goes with it.
    fn has_sdp(&self) -> bool {
        self.method == "INVITE" && matches!(self.status, "" | "183 Session Progress" | "200 OK")
    }
}

const fn request(method: &'static str, cseq: u32, after: u64) -> Step {
    Step { opener: true, status: "", method, cseq, after }
}

const fn response(status: &'static str, method: &'static str, cseq: u32, after: u64) -> Step {
    Step { opener: false, status, method, cseq, after }
}

/// A keep-alive.
const OPTIONS: &[Step] = &[request("OPTIONS", 1, 0), response("200 OK", "OPTIONS", 1, 30_000)];
/// A call, answered, and held for a while.
const HELD: &[Step] = &[
    request("INVITE", 1, 0),
    response("100 Trying", "INVITE", 1, 5_000),
    response("183 Session Progress", "INVITE", 1, 200_000),
    response("200 OK", "INVITE", 1, 300_000),
    request("ACK", 1, 10_000),
    request("INVITE", 2, 1_000_000),
    response("100 Trying", "INVITE", 2, 5_000),
    response("200 OK", "INVITE", 2, 60_000),
    request("ACK", 2, 10_000),
    request("BYE", 3, 2_000_000),
    response("200 OK", "BYE", 3, 10_000),
];
/// A call, answered.
const CALL: &[Step] = &[
    request("INVITE", 1, 0),
    response("100 Trying", "INVITE", 1, 5_000),
    response("180 Ringing", "INVITE", 1, 200_000),
    response("200 OK", "INVITE", 1, 500_000),
    request("ACK", 1, 10_000),
    request("BYE", 2, 4_000_000),
    response("200 OK", "BYE", 2, 10_000),
];
const BUSY: &[Step] = &[
    request("INVITE", 1, 0),
    response("100 Trying", "INVITE", 1, 5_000),
    response("486 Busy Here", "INVITE", 1, 200_000),
    request("ACK", 1, 10_000),
];
const CANCELLED: &[Step] = &[
    request("INVITE", 1, 0),
    response("100 Trying", "INVITE", 1, 5_000),
    response("180 Ringing", "INVITE", 1, 200_000),
    request("CANCEL", 1, 3_000_000),
    response("200 OK", "CANCEL", 1, 5_000),
    response("487 Request Terminated", "INVITE", 1, 5_000),
    request("ACK", 1, 10_000),
];

/// SBCs.
pub const N_SBCS: u32 = 16;
/// The service's signalling addresses.
const PROXIES: [Ipv4Addr; 4] =
    [Ipv4Addr::new(52, 114, 75, 24), Ipv4Addr::new(52, 114, 76, 76), Ipv4Addr::new(52, 114, 148, 0), Ipv4Addr::new(52, 114, 132, 46)];
/// Connections that each SBC has with the service: one to each address, opened by the SBC, and one back.
pub const N_CONNECTIONS: u32 = N_SBCS * PROXIES.len() as u32 * 2;
/// Ways to break a rule.
const N_FAULTS: u32 = 7;

/// One dialog: its number says all about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dialog {
    number: u32,
}

/// Who opened a connection and whom to.
pub fn connection(number: u32) -> (SocketAddrV4, SocketAddrV4) {
    let (pair, back) = (number / 2, number % 2 == 1);
    let sbc = Ipv4Addr::new(198, 51, 100, (pair % N_SBCS + 1) as u8);
    let proxy = PROXIES[(pair / N_SBCS) as usize % PROXIES.len()];
    let own_port = 20_000 + pair as u16;
    match back {
        false => (SocketAddrV4::new(sbc, own_port), SocketAddrV4::new(proxy, 5061)),
        true => (SocketAddrV4::new(proxy, own_port), SocketAddrV4::new(sbc, 5061)),
    }
}

impl Dialog {
    /// Seven of twenty dialogs are keep-alives; the others are calls from and to the service.
    pub fn new(number: u32) -> Self {
        Self { number }
    }

    /// Its messages.
    pub fn script(self) -> &'static [Step] {
        match self.number % 20 {
            0..=6 => OPTIONS,
            7 | 8 => HELD,
            18 => BUSY,
            19 => CANCELLED,
            _ => CALL,
        }
    }

    /// Microsoft began it.
    fn is_from_service(self) -> bool {
        matches!(self.number % 20, 4..=11 | 18)
    }

    /// How it breaks a rule: one dialog of twenty does, each way in turn.
    pub fn fault(self) -> Option<u32> {
        (self.number % 20 == 12).then_some(self.number / 20 % N_FAULTS)
    }

    /// The connection that it runs on.
    pub fn connection(self) -> u32 {
        let pair = self.number.wrapping_mul(7) % (N_CONNECTIONS / 2);
        2 * pair + u32::from(self.is_from_service())
    }

    fn sbc(self) -> String {
        format!("sbc{}.contoso.com", self.connection() / 2 % N_SBCS + 1)
    }

    fn sbc_ip(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 51, 100, (self.connection() / 2 % N_SBCS + 1) as u8)
    }

    /// Number of the caller, then of the callee.
    fn numbers(self) -> [String; 2] {
        let user = self.number % 100_000;
        let (teams, pstn) = (format!("+1425555{user:05}"), format!("+4420794{:05}", user.wrapping_mul(7) % 100_000));
        if self.is_from_service() { [teams, pstn] } else { [pstn, teams] }
    }

    /// The text of one of its messages (RFC 3261 section 7).
    pub fn text(self, step: &Step) -> String {
        let by_service = step.opener == self.is_from_service();
        let offer = step.has_sdp() && !(self.fault() == Some(6) && step.is_request() && step.cseq == 1);
        let body = if offer { self.sdp(by_service, step) } else { String::new() };
        let mut text = format!("{}\r\n", self.start(step));
        text += &if by_service { self.of_service(step) } else { self.of_sbc(step) };
        if !body.is_empty() {
            text += if by_service { "CONTENT-TYPE: application/sdp\r\n" } else { "Content-Type: application/sdp\r\n" };
        }
        text += if by_service { "CONTENT-LENGTH: " } else { "Content-Length: " };
        text + &format!("{}\r\n\r\n{body}", body.len())
    }

    fn start(self, step: &Step) -> String {
        if !step.is_request() {
            return format!("SIP/2.0 {}", step.status);
        }
        let [_, callee] = self.numbers();
        let callee = if self.fault() == Some(4) { callee.trim_start_matches('+') } else { &callee };
        let in_dialog = matches!(step.method, "BYE") || step.cseq > 1 || (step.method == "ACK" && self.number % 20 < 18);
        match (self.is_from_service(), step.method, in_dialog) {
            (false, "OPTIONS", _) => "OPTIONS sip:sip.pstnhub.microsoft.com:5061;transport=tls SIP/2.0".to_owned(),
            (true, "OPTIONS", _) => format!("OPTIONS sip:{}:5061;transport=tls SIP/2.0", self.sbc()),
            (false, method, true) => {
                format!(
                    "{method} sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i={:08x};x-c={:08x} SIP/2.0",
                    self.number,
                    self.number ^ 0x5f1d
                )
            }
            (false, method, false) => format!("{method} sip:{callee}@sip.pstnhub.microsoft.com:5061;user=phone;transport=tls SIP/2.0"),
            (true, method, _) => format!("{method} sip:{callee}@{}:5061;user=phone;transport=tls SIP/2.0", self.sbc()),
        }
    }

    /// From, To, Call-ID and CSeq, which both ends write alike; the names of the headers are the writer's.
    fn identity(self, step: &Step, names: [&str; 4]) -> String {
        let [caller, callee] = self.numbers();
        let (own, other) = ("sip.pstnhub.microsoft.com:5061".to_owned(), self.sbc());
        let (at, to) = if self.is_from_service() { (own, other) } else { (other, own) };
        let scheme = if self.fault() == Some(2) { "sips" } else { "sip" };
        let caller = if self.fault() == Some(5) { caller.trim_start_matches('+').to_owned() } else { caller };
        let (from, to) = match step.method {
            "OPTIONS" => (format!("<sip:{at}>"), format!("<sip:{to}>")),
            _ => (
                format!("\"User {}\" <{scheme}:{caller}@{at};user=phone>", self.number % 100_000),
                format!("<sip:{callee}@{to};user=phone>"),
            ),
        };
        let tagged = step.cseq > 1 || matches!(step.method, "BYE" | "ACK") || !matches!(step.status, "" | "100 Trying");
        let tag = if tagged && step.method != "CANCEL" { format!(";tag=t{:08x}", self.number) } else { String::new() };
        let [n_from, n_to, n_call_id, n_cseq] = names;
        format!(
            "{n_from}: {from};tag=f{:08x}\r\n{n_to}: {to}{tag}\r\n{n_call_id}: {:08x}-{:016x}@{at}\r\n{n_cseq}: {} {}\r\n",
            self.number,
            self.number,
            u64::from(self.number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            step.cseq,
            step.method,
        )
    }

    fn via(self, step: &Step) -> String {
        let method = if step.method == "CANCEL" { "INVITE" } else { step.method };
        let at = if self.is_from_service() { connection(self.connection()).0.ip().to_string() } else { self.sbc() };
        format!("SIP/2.0/TLS {at}:5061;branch=z9hG4bK{:08x}.{method}.{}", self.number, step.cseq)
    }

    fn of_service(self, step: &Step) -> String {
        let mut text = self.identity(step, ["FROM", "TO", "CALL-ID", "CSEQ"]);
        text += &format!("VIA: {}\r\n", self.via(step));
        if step.is_request() {
            text += "MAX-FORWARDS: 70\r\n";
        }
        if step.status == "100 Trying" {
            return text;
        }
        if step.method == "INVITE" {
            text += &format!(
                "RECORD-ROUTE: <sip:sip-du-a-eu.pstnhub.microsoft.com:5061;transport=tls;lr>\r\n\
                 CONTACT: <sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i={:08x};x-c={:08x}>\r\n\
                 X-MS-Correlation-Id: {:032x}\r\nX-MS-Tenant-Id: 72f988bf-86f1-41af-91ab-2d7cd011db47\r\nX-MS-Routing-Policies: none\r\n",
                self.number,
                self.number ^ 0x5f1d,
                u128::from(self.number) + 1,
            );
        }
        if step.method == "INVITE" && step.is_request() {
            let [caller, _] = self.numbers();
            text += &format!(
                "P-ASSERTED-IDENTITY: <tel:{caller}>,<sip:{caller}@sip.pstnhub.microsoft.com>\r\nPRIVACY: id\r\nMIN-SE: 300\r\n\
                 SESSION-EXPIRES: 3600\r\nSUPPORTED: timer,histinfo,replaces,100rel\r\n"
            );
        }
        text += "ALLOW: INVITE,ACK,CANCEL,BYE,INFO,NOTIFY,PRACK,UPDATE,OPTIONS,REFER\r\n";
        text + if step.is_request() { "USER-AGENT" } else { "SERVER" } + ": Microsoft.PSTNHub.SIPProxy v.2026.1.12.3 i.EUWE.4\r\n"
    }

    fn of_sbc(self, step: &Step) -> String {
        let (name, ip) = (self.sbc(), self.sbc_ip());
        let mut text = format!("Via: {}\r\n", self.via(step)) + &self.identity(step, ["From", "To", "Call-ID", "CSeq"]);
        if step.is_request() {
            text += "Max-Forwards: 70\r\n";
        }
        if step.status == "100 Trying" {
            return text;
        }
        let [caller, callee] = self.numbers();
        let me = if step.opener { caller.clone() } else { callee };
        let contact = match (self.fault(), step.method) {
            (Some(0), "INVITE") => format!("sip:{me}@{ip}:5061;transport=tls"),
            (Some(3), "INVITE") => format!("sip:@{name}:5061;transport=tls"),
            (_, "OPTIONS") => format!("sip:{name}:5061;transport=tls"),
            _ => format!("sip:{me}@{name}:5061;transport=tls"),
        };
        if matches!(step.method, "INVITE" | "OPTIONS") {
            text += &format!("Contact: <{contact}>\r\n");
        }
        if step.method == "INVITE" {
            let route = if self.fault() == Some(1) { ip.to_string() } else { name.clone() };
            text += &format!("Record-Route: <sip:{route}:5061;transport=tls;lr>\r\n");
        }
        if step.method == "INVITE" && step.is_request() {
            text += &format!(
                "P-Asserted-Identity: <sip:{caller}@{name}>\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n\
                 Supported: timer,100rel,histinfo\r\n"
            );
        }
        text += "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, INFO\r\n";
        text + if step.is_request() { "User-Agent" } else { "Server" } + ": Contoso SBC/7.4.20\r\n"
    }

    fn sdp(self, by_service: bool, step: &Step) -> String {
        let media = if by_service { Ipv4Addr::new(52, 112, (self.number >> 8) as u8, self.number as u8) } else { self.sbc_ip() };
        let way = if step.cseq > 1 { "sendonly" } else { "sendrecv" };
        let way = if step.cseq > 1 && !step.is_request() { "recvonly" } else { way };
        let port = 20_000 + 2 * (self.number % 16_384);
        let types = if by_service { "104 9 103 0 8 18 101 13" } else { "8 0 101" };
        let mut text = format!(
            "v=0\r\no=- {} {} IN IP4 {media}\r\ns=session\r\nc=IN IP4 {media}\r\nb=CT:10000000\r\nt=0 0\r\nm=audio {port} RTP/SAVP {types}\r\n\
             a=rtcp:{}\r\na=label:Audio\r\na=mid:1\r\na={way}\r\na=ptime:20\r\n\
             a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^31\r\n",
            self.number,
            step.cseq,
            port + 1,
        );
        let named: &[&str] = if by_service {
            &[
                "104 SILK/16000",
                "9 G722/8000",
                "103 SILK/8000",
                "0 PCMU/8000",
                "8 PCMA/8000",
                "18 G729/8000",
                "101 telephone-event/8000",
                "13 CN/8000",
            ]
        } else {
            &["8 PCMA/8000", "0 PCMU/8000", "101 telephone-event/8000"]
        };
        text.extend(named.iter().map(|codec| format!("a=rtpmap:{codec}\r\n")));
        text + "a=fmtp:101 0-16\r\n"
    }
}
