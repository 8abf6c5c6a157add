//! What the parties of generated captures say: the messages of each kind of dialog, their text, and who stands where.

use std::net::{Ipv4Addr, SocketAddrV4};

/// One message of a dialog's script.
pub struct Step {
    /// Who sends it.
    pub caller: bool,
    /// Empty for a request.
    pub status: &'static str,
    /// Of the request, or of the request that is answered.
    pub method: &'static str,
    /// The number in CSeq.
    pub cseq: u32,
    /// Time after the message before, in µs; a tenth of it is left to the dice.
    pub after: u64,
}

impl Step {
    /// Whether this is a request.
    pub fn is_request(&self) -> bool {
        self.status.is_empty()
    }
}

const fn request(caller: bool, method: &'static str, cseq: u32, after: u64) -> Step {
    Step { caller, status: "", method, cseq, after }
}

const fn response(status: &'static str, method: &'static str, cseq: u32, after: u64) -> Step {
    Step { caller: false, status, method, cseq, after }
}

/// A call, answered after 150 ms.
pub const CALL: &[Step] = &[
    request(true, "INVITE", 1, 0),
    response("100 Trying", "INVITE", 1, 5_000),
    response("180 Ringing", "INVITE", 1, 40_000),
    response("200 OK", "INVITE", 1, 100_000),
    request(true, "ACK", 1, 10_000),
    request(true, "BYE", 2, 0), // after the conversation
    response("200 OK", "BYE", 2, 10_000),
];
/// A keep-alive.
pub const OPTIONS: &[Step] = &[request(true, "OPTIONS", 1, 0), response("200 OK", "OPTIONS", 1, 10_000)];
/// A registration, challenged first.
pub const REGISTER: &[Step] = &[
    request(true, "REGISTER", 1, 0),
    response("401 Unauthorized", "REGISTER", 1, 10_000),
    request(true, "REGISTER", 2, 20_000),
    response("200 OK", "REGISTER", 2, 10_000),
];

/// Caller's and callee's end of the signalling: sixteen SBCs on one side, four on the other.
pub fn signalling(number: u32) -> (SocketAddrV4, SocketAddrV4) {
    let (near, far) = ((number % 16 + 1) as u8, (number / 16 % 4 + 1) as u8);
    (SocketAddrV4::new(Ipv4Addr::new(10, 8, 0, near), 5060), SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, far), 5060))
}

/// Caller's and callee's end of the media: addresses of the call's own, up to a million calls.
pub fn media(number: u32) -> (SocketAddrV4, SocketAddrV4) {
    let host = number & 0x000f_ffff;
    let port = 20_000 + 2 * (number % 8_192) as u16;
    let end = |net: u32| SocketAddrV4::new(Ipv4Addr::from(net | host), port);
    (end(0x0a10_0000), end(0x0a20_0000)) // 10.16.0.0/12 and 10.32.0.0/12
}

/// The text of one message of dialog `number`, held by the caller `user` (RFC 3261 section 7).
pub fn text(number: u32, user: u32, step: &Step) -> String {
    let body = match (step.method, step.status) {
        ("INVITE", "") => sdp(number, media(number).0),
        ("INVITE", "200 OK") => sdp(number, media(number).1),
        _ => String::new(),
    };
    let mut text = who(number, user, step);
    if step.status != "100 Trying" && step.method != "ACK" {
        text += &abilities(number, user, step);
    }
    text += digest(step);
    text += if step.caller { "User-Agent: callpath bench caller\r\n" } else { "Server: callpath bench answerer\r\n" };
    if !body.is_empty() {
        text += "Content-Type: application/sdp\r\n";
    }
    text + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

fn caller(user: u32) -> String {
    format!("+15550{user:06}")
}

fn callee(user: u32) -> String {
    format!("+15551{:06}", user.wrapping_mul(7) % 1_000_000)
}

/// Start line and the headers that say whose message this is.
fn who(number: u32, user: u32, step: &Step) -> String {
    let (near, far) = signalling(number);
    let (method, cseq) = (step.method, step.cseq);
    let start = match (step.status, method) {
        ("", "OPTIONS" | "REGISTER") => format!("{method} sip:{} SIP/2.0", far.ip()),
        ("", _) => format!("{method} sip:{}@{far};user=phone SIP/2.0", callee(user)),
        (status, _) => format!("SIP/2.0 {status}"),
    };
    let tag = match (step.status, method) {
        ("", "INVITE" | "OPTIONS" | "REGISTER") | ("100 Trying", _) => String::new(),
        _ => format!(";tag=t{number:08x}"),
    };
    let to = if method == "REGISTER" { caller(user) } else { callee(user) };
    let hops = if step.is_request() { "Max-Forwards: 69\r\n" } else { "" };
    format!(
        "{start}\r\nVia: SIP/2.0/UDP {near};rport;branch=z9hG4bK{number:08x}.{method}.{cseq}\r\n\
         From: \"User {user}\" <sip:{}@{};user=phone>;tag=f{number:08x}\r\nTo: <sip:{to}@{};user=phone>{tag}\r\n\
         Call-ID: {number:08x}-5f1d-4c7e-9a53-{:016x}@{}\r\nCSeq: {cseq} {method}\r\n{hops}",
        caller(user),
        near.ip(),
        far.ip(),
        u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        near.ip(),
    )
}

/// Headers that real messages carry and that a parser has to get past.
fn abilities(number: u32, user: u32, step: &Step) -> String {
    let (near, far) = signalling(number);
    let (me, name) = if step.caller { (near, caller(user)) } else { (far, callee(user)) };
    let mut text = format!(
        "Contact: <sip:{name}@{me};transport=udp>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, INFO\r\n\
         Supported: 100rel, timer, replaces, histinfo, path, gruu\r\n"
    );
    if step.is_request() {
        text +=
            &format!("P-Asserted-Identity: <sip:{name}@{}>\r\nSession-ID: {:032x};remote={:032x}\r\n", me.ip(), u64::from(number) + 1, 0);
    }
    text
}

/// The challenge of a registration and the answer to it (the example's digest of RFC 2617 section 3.5).
fn digest(step: &Step) -> &'static str {
    match (step.status, step.method, step.cseq) {
        ("401 Unauthorized", ..) => {
            "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"5f1d4c7e9a530b2e\", algorithm=MD5, qop=\"auth\"\r\n"
        }
        ("", "REGISTER", 2) => {
            "Authorization: Digest username=\"user\", realm=\"example.com\", nonce=\"5f1d4c7e9a530b2e\", uri=\"sip:example.com\", \
             response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, nc=00000001\r\n"
        }
        _ => "",
    }
}

fn sdp(number: u32, at: SocketAddrV4) -> String {
    let (ip, port) = (at.ip(), at.port());
    format!(
        "v=0\r\no=- {number} 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    )
}
