//! The ledger: every record counted exactly once, under the innermost kind it contributed to or under what kept it unread.

use crate::error::{Undecoded, UndecodedKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a record contributed to, innermost first; the keys of `ledger.kinds` in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// Part of a SIP message (RFC 3261), keep-alives on a SIP connection included.
    Sip,
    /// A packet of a stream that proved to be RTP (RFC 3550).
    Rtp,
    /// RTCP (RFC 3550 section 6).
    Rtcp,
    /// STUN or TURN (RFC 8489, RFC 8656).
    Stun,
    /// DTLS (RFC 9147).
    Dtls,
    /// TLS (RFC 8446).
    Tls,
    /// DNS, multicast DNS included.
    Dns,
    /// TCP that carried nothing more precise.
    Tcp,
    /// UDP that carried nothing more precise.
    Udp,
    /// ICMP and ICMPv6.
    Icmp,
    /// SCTP.
    Sctp,
    /// Another protocol over IP.
    OtherIp,
    /// A frame that is not IP at all: ARP, spanning tree …
    NonIp,
}

impl Kind {
    /// All kinds in the order of the report.
    pub const ALL: [Kind; 13] = [
        Kind::Sip,
        Kind::Rtp,
        Kind::Rtcp,
        Kind::Stun,
        Kind::Dtls,
        Kind::Tls,
        Kind::Dns,
        Kind::Tcp,
        Kind::Udp,
        Kind::Icmp,
        Kind::Sctp,
        Kind::OtherIp,
        Kind::NonIp,
    ];

    /// The key in the report: `sip`, `other_ip` …
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Sip => "sip",
            Kind::Rtp => "rtp",
            Kind::Rtcp => "rtcp",
            Kind::Stun => "stun",
            Kind::Dtls => "dtls",
            Kind::Tls => "tls",
            Kind::Dns => "dns",
            Kind::Tcp => "tcp",
            Kind::Udp => "udp",
            Kind::Icmp => "icmp",
            Kind::Sctp => "sctp",
            Kind::OtherIp => "other_ip",
            Kind::NonIp => "non_ip",
        }
    }
}

/// Counts of records. `sum()` is the number of records applied; `duplicates` and `evicted` are *of which* figures outside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    kinds: [i64; 13],
    undecoded: BTreeMap<UndecodedKey, u64>,
    /// Records that were a second copy at one tap within 20 ms.
    pub duplicates: u64,
    /// Flows, candidates and buffers dropped at a cap.
    pub evicted: u64,
}

impl Ledger {
    /// Counts `n` records of `kind`.
    pub fn count(&mut self, kind: Kind, n: u64) {
        if let Some(slot) = self.kinds.get_mut(kind as usize) {
            *slot += n as i64;
        }
    }

    /// Moves `n` records that were counted as `from` to `to`, because more is known of them now. The two may be counted in
    /// different shards: a ledger may run negative in one kind until ledgers are summed.
    pub fn recount(&mut self, from: Kind, to: Kind, n: u64) {
        if from != to {
            if let Some(slot) = self.kinds.get_mut(from as usize) {
                *slot -= n as i64;
            }
            self.count(to, n);
        }
    }

    /// Counts one record that could not be read further.
    pub fn undecoded(&mut self, why: Undecoded) {
        *self.undecoded.entry(format!("{}: {}", why.layer, why.reason).into()).or_default() += 1;
    }

    /// Takes back `n` records of `kind`: they are counted again elsewhere.
    pub fn take_back(&mut self, kind: Kind, n: u64) {
        if let Some(slot) = self.kinds.get_mut(kind as usize) {
            *slot -= n as i64;
        }
    }

    /// Moves `n` records that were counted as `from` to what could not be read.
    pub fn lose(&mut self, from: Kind, why: Undecoded, n: u64) {
        self.take_back(from, n);
        if n > 0 {
            *self.undecoded.entry(format!("{}: {}", why.layer, why.reason).into()).or_default() += n;
        }
    }

    /// Adds another ledger's counts to this one.
    pub fn add(&mut self, other: &Ledger) {
        for (mine, theirs) in self.kinds.iter_mut().zip(other.kinds) {
            *mine += theirs;
        }
        for (key, n) in &other.undecoded {
            *self.undecoded.entry(key.clone()).or_default() += n;
        }
        self.duplicates += other.duplicates;
        self.evicted += other.evicted;
    }

    /// Adds another ledger's counts to this one; what it counted as `from` counts as `to` here.
    pub fn add_as(&mut self, other: &Ledger, from: Kind, to: Kind) {
        self.add(other);
        let n = other.kinds.get(from as usize).copied().unwrap_or(0);
        for (kind, n) in [(from, -n), (to, n)] {
            if let Some(slot) = self.kinds.get_mut(kind as usize) {
                *slot += n;
            }
        }
    }

    /// Records of `kind`; meaningful on a summed ledger.
    pub fn of(&self, kind: Kind) -> u64 {
        self.kinds.get(kind as usize).map_or(0, |n| u64::try_from(*n).unwrap_or(0))
    }

    /// Undecoded records by `"<layer>: <reason>"`.
    pub fn undecoded_by_reason(&self) -> &BTreeMap<UndecodedKey, u64> {
        &self.undecoded
    }

    /// All records counted: kinds and undecoded.
    pub fn sum(&self) -> u64 {
        let kinds: i64 = self.kinds.iter().sum();
        u64::try_from(kinds).unwrap_or(0) + self.undecoded.values().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recount_moves_and_keeps_the_sum() {
        let mut ledger = Ledger::default();
        ledger.count(Kind::Udp, 8);
        ledger.recount(Kind::Udp, Kind::Rtp, 8);
        ledger.undecoded(Undecoded::new("mpls", "not decoded yet"));
        assert_eq!((ledger.of(Kind::Udp), ledger.of(Kind::Rtp), ledger.sum()), (0, 8, 9));
    }

    #[test]
    fn what_was_counted_in_a_wrapper_counts_as_the_wrapper() {
        let (mut a, mut inner) = (Ledger::default(), Ledger::default());
        inner.recount(Kind::Udp, Kind::Rtp, 7);
        inner.evicted = 2;
        a.count(Kind::Stun, 9);
        a.add_as(&inner, Kind::Udp, Kind::Stun);
        assert_eq!((a.of(Kind::Udp), a.of(Kind::Rtp), a.of(Kind::Stun), a.sum(), a.evicted), (0, 7, 2, 9, 2));
    }

    #[test]
    fn ledgers_of_two_shards_add_up_even_when_one_runs_negative() {
        let (mut a, mut b) = (Ledger::default(), Ledger::default());
        a.count(Kind::Udp, 3);
        b.recount(Kind::Udp, Kind::Rtp, 2);
        a.add(&b);
        assert_eq!((a.of(Kind::Udp), a.of(Kind::Rtp), a.sum()), (1, 2, 3));
    }
}
