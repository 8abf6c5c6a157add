//! What a ladder's line sends: a SIP message, the same once more, a bare TCP segment, a message of TLS, STUN, DNS or BGP, or RTP.

use super::bgp::Bgp;
use super::dns::Dns;
use super::facts::Facts;
use super::stun::Stun;
use super::tls::Tls;
use super::token::{address, number, numbers, pair, time};
use std::net::SocketAddr;

/// What a line sends.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A SIP message.
    Sip(Sip),
    /// The last message that way once more.
    Again,
    /// A bare TCP segment: the flags as TCP numbers them.
    Segment(u8),
    /// A message of TLS.
    Tls(Tls),
    /// A message of STUN.
    Stun(Stun),
    /// A message of DNS.
    Dns(Dns),
    /// A message of BGP.
    Bgp(Bgp),
    /// RTP packets.
    Rtp(Rtp),
}

/// A SIP message as written: what is not said here is filled in by `message`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sip {
    /// Method, or the three digits of a status.
    pub start: String,
    /// Request-URI.
    pub uri: Option<String>,
    /// `call=`: which Call-ID of the ladder; 1 when not given.
    pub call: u32,
    /// `sdp=`: `no`, `yes`, `multipart`, `pidf` (multipart with a location), or a direction such as `sendonly`.
    pub sdp: Option<String>,
    /// `media=`: address of the SDP.
    pub media: Option<SocketAddr>,
    /// `candidate=`, `srflx=`, `relay=`: type and address of ICE candidates in the SDP, in order.
    pub candidates: Vec<(&'static str, SocketAddr)>,
    /// `ice=`: user fragment of ICE in the SDP, with a password.
    pub ice: Option<String>,
    /// `tag=`: parts forks; goes into the To tag of a response, and of a request that is sent to that fork.
    pub tag: String,
    /// `for=`: method that a response answers, when not the newest open request.
    pub answers: Option<String>,
    /// `phrase=`: reason phrase.
    pub phrase: Option<String>,
    /// `body=`: body in place of SDP; `\n` stands for CRLF.
    pub body: Option<String>,
    /// Header fields by lower-case name, in order; `\n` in a value folds its line.
    pub headers: Vec<(String, String)>,
}

/// A run of RTP packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rtp {
    /// Encoding name.
    pub codec: String,
    /// SRTP: the payload ends in an authentication tag.
    pub secured: bool,
    /// How many packets are sent, lost ones included.
    pub count: u32,
    /// Nanoseconds from packet to packet.
    pub every: i64,
    /// `ssrc=`; made from the flow when not given.
    pub ssrc: Option<u32>,
    /// `seq=`: first sequence number.
    pub seq: u16,
    /// `lost=`: which packets of the run, from 1, are missing.
    pub lost: Vec<u32>,
    /// `channel=`: the channel of TURN that wraps them.
    pub channel: Option<u16>,
}

/// Words that are facts of a frame and nothing else.
pub fn facts_only(words: &[String]) -> Result<Facts, String> {
    let mut facts = Facts::default();
    for word in words {
        let taken = pair(word).map_or(Ok(false), |(key, value)| facts.take(key, value))?;
        if !taken {
            return Err(format!("'{word}' is no fact of a frame"));
        }
    }
    Ok(facts)
}

/// Reads the words from the method, status or kind on; facts of the frame among them go to `facts`.
pub fn what(words: &[String], facts: &mut Facts) -> Result<What, String> {
    let (first, rest) = words.split_first().ok_or("a method, a status or rtp is missing")?;
    match first.as_str() {
        "rtp" | "srtp" => rtp(first == "srtp", rest, facts).map(What::Rtp),
        "stun" => Stun::read(rest, facts).map(What::Stun),
        "dns" => Dns::read(rest, facts).map(What::Dns),
        "bgp" => Bgp::read(rest, facts).map(What::Bgp),
        "again" => facts_only(rest).map(|given| *facts = given).map(|()| What::Again),
        flags if flags.starts_with('[') => {
            *facts = facts_only(rest)?;
            segment(flags).map(What::Segment)
        }
        start if start.chars().all(|c| c.is_ascii_uppercase()) || start.parse::<u16>().is_ok_and(|s| (100..700).contains(&s)) => {
            sip(start, rest, facts).map(What::Sip)
        }
        other => Err(format!("'{other}' is no method, status, rtp, srtp, stun, dns, bgp, again or [FLAGS]")),
    }
}

/// `[SYN,ACK]` as Wireshark prints it.
fn segment(text: &str) -> Result<u8, String> {
    let bit = |flag: &str| match flag {
        "FIN" => Ok(0x01),
        "SYN" => Ok(0x02),
        "RST" => Ok(0x04),
        "ACK" => Ok(0x10),
        other => Err(format!("'{other}' is no TCP flag")),
    };
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    inner.split(',').map(bit).try_fold(0, |all, one| Ok(all | one?))
}

fn sip(start: &str, words: &[String], facts: &mut Facts) -> Result<Sip, String> {
    let mut sip = Sip { start: start.to_owned(), call: 1, ..Sip::default() };
    for (index, word) in words.iter().enumerate() {
        let Some((key, value)) = pair(word) else {
            if index > 0 || start.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(format!("'{word}' is no key=value"));
            }
            sip.uri = Some(word.clone());
            continue;
        };
        let media = || address(value).ok_or_else(|| format!("'{value}' is not ip:port"));
        match key {
            "call" => sip.call = number(key, value)?,
            "sdp" => sip.sdp = Some(value.to_owned()),
            "media" => sip.media = Some(media()?),
            "candidate" => sip.candidates.push(("host", media()?)),
            "srflx" => sip.candidates.push(("srflx", media()?)),
            "relay" => sip.candidates.push(("relay", media()?)),
            "ice" => sip.ice = Some(value.to_owned()),
            "tag" => sip.tag = value.to_owned(),
            "for" => sip.answers = Some(value.to_owned()),
            "phrase" => sip.phrase = Some(value.to_owned()),
            "body" => sip.body = Some(value.replace("\\n", "\r\n")),
            _ if facts.take(key, value)? => {}
            _ => sip.headers.push((key.to_owned(), value.replace("\\n", "\r\n "))),
        }
    }
    Ok(sip)
}

fn rtp(secured: bool, words: &[String], facts: &mut Facts) -> Result<Rtp, String> {
    let shape = "write: rtp PCMU x 500 every 20 ms";
    let [codec, x, count, every, gap, ms, rest @ ..] = words else { return Err(shape.to_owned()) };
    if (x.as_str(), every.as_str(), ms.as_str()) != ("x", "every", "ms") {
        return Err(shape.to_owned());
    }
    let every = time(&format!("{gap}ms"))?;
    let count = number("x", count)?;
    let mut rtp = Rtp { codec: codec.clone(), secured, count, every, ssrc: None, seq: 1000, lost: Vec::new(), channel: None };
    for word in rest {
        let (key, value) = pair(word).ok_or_else(|| format!("'{word}' is no key=value"))?;
        match key {
            "ssrc" => rtp.ssrc = Some(number(key, value)?),
            "seq" => rtp.seq = number(key, value)?,
            "lost" => rtp.lost = numbers(key, value)?,
            "channel" => rtp.channel = Some(number(key, value)?),
            _ if facts.take(key, value)? => {}
            _ => return Err(format!("'{key}' is no fact of RTP or of a frame")),
        }
    }
    Ok(rtp)
}
