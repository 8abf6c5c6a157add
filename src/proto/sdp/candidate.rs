//! ICE candidates in SDP (RFC 8839 section 5.1).

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One `a=candidate` line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Foundation.
    pub foundation: String,
    /// Component: 1 is RTP, 2 RTCP.
    pub component: u16,
    /// Transport as written, such as `UDP`.
    pub transport: String,
    /// Priority.
    pub priority: u32,
    /// The address; `None` when it is a name (mDNS).
    pub address: Option<IpAddr>,
    /// The address or name as written.
    pub address_text: String,
    /// The port.
    pub port: u16,
    /// Its type.
    pub kind: CandidateKind,
    /// `raddr` and `rport`: the base that it was learned from.
    pub related: Option<(IpAddr, u16)>,
}

/// The type of a candidate (RFC 8445 section 5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CandidateKind {
    /// An own interface.
    Host,
    /// Learned from a STUN server.
    ServerReflexive,
    /// Learned from the peer.
    PeerReflexive,
    /// On a TURN server.
    Relayed,
    /// Any other token.
    Other,
}

/// Reads the value after `candidate:`. `None` when a field is missing or no number where one must be.
pub(super) fn read(value: &str) -> Option<Candidate> {
    let mut fields = value.split_ascii_whitespace();
    let (foundation, component, transport) = (fields.next()?.to_owned(), fields.next()?.parse().ok()?, fields.next()?.to_owned());
    let (priority, address, port) = (fields.next()?.parse().ok()?, fields.next()?, fields.next()?.parse().ok()?);
    let _typ = fields.next().filter(|word| word.eq_ignore_ascii_case("typ"))?;
    let kind = kind(fields.next()?);
    let related = related(fields);
    let address_text = address.to_owned();
    Some(Candidate { foundation, component, transport, priority, address: address.parse().ok(), address_text, port, kind, related })
}

fn kind(word: &str) -> CandidateKind {
    match word.to_ascii_lowercase().as_str() {
        "host" => CandidateKind::Host,
        "srflx" => CandidateKind::ServerReflexive,
        "prflx" => CandidateKind::PeerReflexive,
        "relay" => CandidateKind::Relayed,
        _ => CandidateKind::Other,
    }
}

/// The extensions come in pairs of name and value.
fn related<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<(IpAddr, u16)> {
    let (mut address, mut port) = (None, None);
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match name.to_ascii_lowercase().as_str() {
            "raddr" => address = value.parse().ok(),
            "rport" => port = value.parse().ok(),
            _ => {}
        }
    }
    address.zip(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reflexive_candidate_knows_its_base() {
        let line = "2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998";
        let candidate = read(line).unwrap();
        assert_eq!((candidate.component, candidate.port, candidate.kind), (1, 45664, CandidateKind::ServerReflexive));
        assert_eq!(candidate.related, Some(([10, 0, 1, 1].into(), 8998)));
    }

    #[test]
    fn a_name_is_kept_as_text() {
        let candidate = read("1 2 TCP 5 a.local 9 typ HOST tcptype active").unwrap();
        assert_eq!((candidate.address, candidate.address_text.as_str(), candidate.kind), (None, "a.local", CandidateKind::Host));
        assert_eq!(read("1 1 UDP 5 10.0.0.1 99999 typ host"), None);
        assert_eq!(read("1 1 UDP 5 10.0.0.1 9"), None);
    }
}
