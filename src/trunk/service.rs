//! The names of the service as an SBC uses them: which address it calls by which, when the first of them answered or failed, and where
//! an address stands in place of a name.

use super::Parties;
use crate::flow::Seen;
use crate::proto::sip::Host;
use crate::record::Seq;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// An answer says for so long that the service is well, and a failure that it is not: three keep-alives a minute apart.
pub const LASTING: Span = Span::secs(180);
/// Addresses of the service that are remembered.
const MOST_ADDRESSES: usize = 256;
/// Times that are remembered; what follows at once is one.
const MOST_TIMES: usize = 1024;
/// Requests that name an address are remembered for so many.
const MOST_LITERALS: usize = 16;

/// The three names of the service, in the order in which they are to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Name {
    /// `sip.pstnhub.microsoft.com`
    Sip,
    /// `sip2.pstnhub.microsoft.com`
    Sip2,
    /// `sip3.pstnhub.microsoft.com`
    Sip3,
}

impl Name {
    /// All of them, in order.
    pub const ALL: [Name; 3] = [Name::Sip, Name::Sip2, Name::Sip3];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Sip => "sip.pstnhub.microsoft.com",
            Name::Sip2 => "sip2.pstnhub.microsoft.com",
            Name::Sip3 => "sip3.pstnhub.microsoft.com",
        }
    }

    /// The name that this text is, in any letter case and with or without the dot of a rooted one.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('.');
        Self::ALL.into_iter().find(|name| text.eq_ignore_ascii_case(name.as_str()))
    }

    /// The name that the host of a URI is.
    pub fn of_host(host: Host<'_>) -> Option<Self> {
        host.name().and_then(Self::of)
    }
}

/// A request that names an address of Microsoft's where a name belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Literal {
    /// The request.
    pub seen: Seen,
    /// The line that names it.
    pub line: String,
    /// `INVITE` or `OPTIONS`.
    pub method: String,
    /// Requests that name it.
    pub requests: u64,
}

/// Stretches of time, each as long as something said at its beginning, or again within it, lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretches {
    /// Begin and end; they do not overlap.
    times: BTreeMap<Timestamp, Timestamp>,
    /// More came than are remembered.
    pub full: bool,
}

impl Stretches {
    /// Something was said then.
    pub fn note(&mut self, at: Timestamp) {
        self.add(at, at + LASTING);
    }

    fn add(&mut self, mut from: Timestamp, mut until: Timestamp) {
        let touching: Vec<(Timestamp, Timestamp)> =
            self.times.range(..=until).rev().take_while(|(_, end)| **end >= from).map(|(begin, end)| (*begin, *end)).collect();
        for (begin, end) in touching {
            self.times.remove(&begin);
            (from, until) = (from.min(begin), until.max(end));
        }
        self.times.insert(from, until);
        if self.times.len() > MOST_TIMES {
            self.times.pop_last();
            self.full = true;
        }
    }

    /// What was said lasts at this time.
    pub fn cover(&self, at: Timestamp) -> bool {
        self.times.range(..=at).next_back().is_some_and(|(_, end)| *end >= at)
    }

    fn merge(&mut self, other: Stretches) {
        self.full |= other.full;
        other.times.into_iter().for_each(|(from, until)| self.add(from, until));
    }
}

/// What is known of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Names by which the SBC calls each address.
    pub names: BTreeMap<IpAddr, Vec<Name>>,
    /// When the first name answered.
    pub up: Stretches,
    /// When it failed, or nothing came back.
    pub down: Stretches,
    /// Addresses that stand in place of a name.
    pub literals: BTreeMap<IpAddr, Literal>,
    /// The first request outside a dialog, which names the service by a host.
    pub by_host: Option<Seq>,
}

impl Service {
    /// The SBC calls this address by this name.
    pub fn named(&mut self, ip: IpAddr, name: Name) {
        if self.names.len() >= MOST_ADDRESSES && !self.names.contains_key(&ip) {
            return;
        }
        let names = self.names.entry(ip).or_default();
        if !names.contains(&name) {
            names.push(name);
            names.sort_unstable();
        }
    }

    /// The SBC names the service by an address.
    pub fn literal(&mut self, ip: IpAddr, literal: Literal) {
        if self.literals.len() >= MOST_LITERALS && !self.literals.contains_key(&ip) {
            return;
        }
        let known = self.literals.entry(ip).or_insert_with(|| Literal { requests: 0, ..literal.clone() });
        let requests = known.requests + literal.requests;
        if literal.seen.seq < known.seen.seq {
            *known = literal;
        }
        known.requests = requests;
    }

    /// A request names the service by a host.
    pub fn host(&mut self, seq: Seq) {
        self.by_host = Some(self.by_host.map_or(seq, |known| known.min(seq)));
    }

    /// Takes in the name that a ClientHello of the SBC asks for.
    pub fn connection(&mut self, parties: &Parties<'_>) {
        let tls = parties.connection.tls.as_deref().filter(|tls| tls.client == Some(parties.from_sbc));
        let asked = tls.and_then(|tls| tls.offered.as_ref()).and_then(|offered| offered.what.server_name.as_deref());
        if let Some(name) = asked.and_then(Name::of) {
            self.named(parties.microsoft.ip(), name);
        }
    }

    /// Takes in what was gathered beside it.
    pub fn merge(&mut self, other: Service) {
        for (ip, names) in other.names {
            names.into_iter().for_each(|name| self.named(ip, name));
        }
        self.up.merge(other.up);
        self.down.merge(other.down);
        other.literals.into_iter().for_each(|(ip, literal)| self.literal(ip, literal));
        other.by_host.into_iter().for_each(|seq| self.host(seq));
    }

    /// The first name answers at this time, and has not failed a moment before.
    pub fn is_well(&self, at: Timestamp) -> bool {
        self.up.cover(at) && !self.down.cover(at) && !self.down.full
    }

    /// The address is called by the first name too.
    pub fn is_first(&self, ip: IpAddr) -> bool {
        self.names.get(&ip).is_some_and(|names| names.contains(&Name::Sip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    #[test]
    fn names_are_known_in_any_letter_case_and_others_are_none() {
        assert_eq!(Name::of("SIP2.pstnhub.Microsoft.com."), Some(Name::Sip2));
        assert!(
            ["sip4.pstnhub.microsoft.com", "xsip.pstnhub.microsoft.com", "sip.pstnhub.gov.teams.microsoft.us", ""]
                .iter()
                .all(|n| Name::of(n).is_none())
        );
    }

    #[test]
    fn what_is_said_lasts_and_stretches_that_touch_are_one() {
        let of = |times: &[i64]| {
            let mut stretches = Stretches::default();
            times.iter().for_each(|time| stretches.note(at(*time)));
            stretches
        };
        let one = of(&[0, 60, 120]);
        assert_eq!((one.times.len(), one.cover(at(300)), one.cover(at(301)), one.cover(at(-1))), (1, true, false, false));
        assert_eq!(of(&[120, 0, 60]), one);
        let two = of(&[0, 400]);
        assert_eq!((two.times.len(), two.cover(at(200)), two.cover(at(450))), (2, false, true));
        let mut merged = of(&[400]);
        merged.merge(of(&[0]));
        assert_eq!(merged, two);
        merged.note(at(170));
        assert_eq!(merged.times.len(), 2);
        merged.note(at(230));
        assert_eq!(merged.times.len(), 1);
    }

    #[test]
    fn stretches_are_bounded() {
        let mut stretches = Stretches::default();
        (0..2 * MOST_TIMES as i64).for_each(|n| stretches.note(at(n * 1_000)));
        assert_eq!((stretches.times.len(), stretches.full, stretches.cover(at(0))), (MOST_TIMES, true, true));
    }

    #[test]
    fn service_that_failed_a_moment_ago_is_not_well() {
        let mut service = Service::default();
        service.up.note(at(0));
        assert!(service.is_well(at(100)) && !service.is_well(at(200)));
        service.down.note(at(50));
        assert!(!service.is_well(at(100)));
    }
}
