//! Is a leg Direct Routing? Items 1 and 2 of section 3 of the rule catalogue, with the evidence kept, and which end is Microsoft.

use super::{Leg, LegMessage};
use crate::flow::{Course, Transport, tls::SERVICE_DOMAINS};
use crate::proto::sip::{HeaderName, Sip, Span, unfold};
use crate::time::Timestamp;
use crate::topology::{Place, Topology};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The port of Direct Routing signalling at Microsoft.
pub const SIGNALLING_PORT: u16 = 5061;

/// Courses of a leg that are remembered; what comes by further ones is looked at message by message.
const MOST_COURSES: usize = 16;
/// Points of a strong sign; either alone makes the leg Direct Routing.
const STRONG: u8 = 100;
/// Points of a medium sign: a header that names the service.
const MEDIUM: u8 = 50;
/// From this score on a leg is Direct Routing.
const ENOUGH: u8 = 50;

/// Which side of the SBC a leg is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// SBC and Microsoft.
    Microsoft,
    /// SBC and carrier.
    Trunk,
    /// Both ends in your network.
    Internal,
    /// None of these can be shown.
    Unknown,
}

impl Side {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Microsoft => "microsoft",
            Side::Trunk => "trunk",
            Side::Internal => "internal",
            Side::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a leg was recognised as, and by what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognition {
    /// 100 for each strong sign, 50 for a medium one; at most 200.
    pub score: u8,
    /// The signs, in words, each once.
    pub evidence: Vec<String>,
    /// Ends that are Microsoft's.
    pub microsoft: SmallVec<[SocketAddr; 2]>,
}

impl Recognition {
    /// The leg is Direct Routing.
    pub fn is_direct_routing(&self) -> bool {
        self.score >= ENOUGH && !self.microsoft.is_empty()
    }

    /// `end` is Microsoft's. Ports count only where both ends share one address.
    pub fn is_microsoft(&self, end: SocketAddr, other: SocketAddr) -> bool {
        self.microsoft.iter().any(|m| if end.ip() == other.ip() { *m == end } else { m.ip() == end.ip() })
    }

    fn is_at(&mut self, end: SocketAddr) {
        if !self.microsoft.contains(&end) {
            self.microsoft.push(end);
        }
    }

    fn sign(&mut self, points: u8, end: SocketAddr, text: String) {
        self.is_at(end);
        if !self.evidence.contains(&text) {
            self.score = self.score.saturating_add(points).min(200);
            self.evidence.push(text);
        }
    }
}

/// Recognises a leg.
pub fn recognise(leg: &Leg, topology: &Topology) -> Recognition {
    let mut found = Recognition::default();
    // Messages of one course show the same by their ends, whichever is looked at.
    let mut seen: SmallVec<[&Course; 4]> = SmallVec::new();
    let mut signs = Signs::new();
    let mut agents = leg.agents.iter().peekable();
    for (idx, message) in (0..).zip(&leg.messages).filter(|(_, m)| !m.retransmission) {
        let course = message.message.course();
        if !seen.contains(&course) {
            strong_ends(course, message.message.at(), topology, &mut signs, &mut found);
            if seen.len() < MOST_COURSES {
                seen.push(course);
            }
        }
        if let Some((_, agent)) = agents.next_if(|(at, _)| *at == idx) {
            strong_agent(message, *agent, &mut found);
        }
    }
    if found.score == 0 && !is_trunk(leg, topology) {
        leg.messages.iter().for_each(|message| medium(message, &mut found));
    }
    found
}

/// Which side a leg is on.
pub fn side(leg: &Leg, recognition: &Recognition, topology: &Topology) -> Side {
    let at = leg.started();
    match leg.ends().filter(|_| !recognition.is_direct_routing()) {
        None => Side::Microsoft,
        Some((a, b)) => side_of([topology.place_of(a.ip(), at), topology.place_of(b.ip(), at)]),
    }
}

/// Which side two places are on.
pub fn side_of(places: [Place; 2]) -> Side {
    match places {
        p if p.contains(&Place::Microsoft) => Side::Microsoft,
        p if p.contains(&Place::Carrier) => Side::Trunk,
        p if p.iter().all(|place| place.is_inside()) => Side::Internal,
        _ => Side::Unknown,
    }
}

/// Which strong signs were put into words: Microsoft's address, and the other end's where the topology pairs them.
type Signs = SmallVec<[(IpAddr, Option<IpAddr>); 4]>;

/// What the ends of messages that came this way show. Both directions show the same, which is put into words once.
fn strong_ends(course: &Course, at: Timestamp, topology: &Topology, signs: &mut Signs, found: &mut Recognition) {
    let (src, dst) = (course.src, course.dst);
    let port = src.port() == SIGNALLING_PORT || dst.port() == SIGNALLING_PORT;
    for (end, other) in [(src, dst), (dst, src)] {
        let mut sign = |what, text: &dyn Fn() -> String| match signs.contains(&what) {
            true => found.is_at(end),
            false => {
                signs.push(what);
                found.sign(STRONG, end, text());
            }
        };
        let is_stream = matches!(course.transport, Transport::Tcp | Transport::Tls);
        if is_stream && port && topology.is_microsoft_signalling(end.ip(), at) {
            sign((end.ip(), None), &|| format!("{} is in a Microsoft signalling prefix and TCP port 5061 is used", end.ip()));
        }
        let paired = topology.sbc(other.ip()).is_some() && topology.place_of(end.ip(), at) == Place::Microsoft;
        if paired {
            sign((end.ip(), Some(other.ip())), &|| format!("the topology pairs {} with Microsoft, where {} is", other.ip(), end.ip()));
        }
    }
}

fn strong_agent(message: &LegMessage, agent: Span, found: &mut Recognition) {
    let (src, agent) = (message.message.src(), unfold(agent.of(message.message.text.bytes())));
    found.sign(STRONG, src, format!("{} calls itself {}", src.ip(), String::from_utf8_lossy(&agent)));
}

fn medium(message: &LegMessage, found: &mut Recognition) {
    let (src, dst, sip) = (message.message.src(), message.message.dst(), message.sip());
    if let Some(uri) = sip.request_uri().filter(|uri| names_service(uri)) {
        found.sign(MEDIUM, dst, format!("the Request-URI names the service: {}", String::from_utf8_lossy(uri)));
    }
    if names_in(&sip, HeaderName::Contact) {
        found.sign(MEDIUM, src, format!("Contact of {} names the service", src.ip()));
    }
    let top_via = sip.values(HeaderName::Via).into_iter().next().is_some_and(|via| names_service(&via));
    if top_via {
        let sender = if sip.is_request() { src } else { dst };
        found.sign(MEDIUM, sender, format!("the top Via of {} names the service", sender.ip()));
    }
    if sip.is_request() && names_in(&sip, HeaderName::Route) {
        found.sign(MEDIUM, dst, "Route names the service".to_owned());
    }
}

fn names_in(sip: &Sip<'_>, name: HeaderName) -> bool {
    sip.values(name).iter().any(|value| names_service(value))
}

/// The text names a host of the service.
fn names_service(text: &[u8]) -> bool {
    let text = text.to_ascii_lowercase();
    SERVICE_DOMAINS.iter().any(|domain| text.windows(domain.len()).any(|window| window == domain.as_bytes()))
}

/// The leg looks like a carrier's: weak signs never make it Direct Routing.
fn is_trunk(leg: &Leg, topology: &Topology) -> bool {
    let at = leg.started();
    let carrier = leg.ends().is_some_and(|(a, b)| [a, b].iter().any(|end| topology.place_of(end.ip(), at) == Place::Carrier));
    carrier || leg.messages.first().is_some_and(|m| m.message.course().transport == Transport::Udp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::support::{leg, message};
    use crate::flow::Message;
    use std::sync::Arc;

    /// OPTIONS from an SBC to Microsoft's prefix that came over `transport`.
    fn sent_over(transport: Transport) -> Message {
        let mut message = message(0, ("198.51.100.4:50000", "52.114.75.24:5061"), "OPTIONS sip:x SIP/2.0", "OPTIONS", "");
        message.sighting.course = Arc::new(Course { transport, ..*message.course() });
        message
    }

    #[test]
    fn a_signalling_prefix_and_its_port_are_a_strong_sign_on_streams() {
        let score = |transport| recognise(&leg(vec![sent_over(transport)]), &Topology::built_in()).score;
        assert_eq!([Transport::Tls, Transport::Tcp, Transport::Udp].map(score), [STRONG, STRONG, 0]);
    }
}
