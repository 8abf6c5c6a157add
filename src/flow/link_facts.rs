//! Facts of a pass that may change on the way without changing the packet: link-layer addresses and code points.

use crate::decode::MacPair;
use crate::flow::seen::Seen;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Address pairs a pass keeps; packets with further ones are in no entry.
pub const MAX_MACS: usize = 8;

/// Packets of a pass between one pair of link-layer addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacUse {
    /// The pair.
    pub macs: MacPair,
    /// Packets.
    pub packets: u64,
    /// Own time of the first of them.
    pub first: Timestamp,
    /// Own time of the last of them.
    pub last: Timestamp,
}

/// Packets of a pass with one code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DscpUse {
    /// The code point, 0 to 63.
    pub dscp: u8,
    /// Packets.
    pub packets: u64,
}

/// Packets by link-layer addresses and by code point. They seldom change, so they are counted in runs: a packet like the one before
/// costs a comparison, and what ended is out of its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFacts {
    run: Run,
    ended: Option<Box<Ended>>,
}

/// The sums of the runs that ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Ended {
    macs: SmallVec<[MacUse; 1]>,
    dscps: SmallVec<[DscpUse; 1]>,
}

/// The packets since the facts last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    macs: MacPair,
    dscp: u8,
    first: Timestamp,
    /// Packets of the pass before it.
    before: u64,
}

impl LinkFacts {
    /// The facts when a pass begins with `seen`.
    pub fn new(seen: &Seen) -> Self {
        Self { run: Run::new(seen, 0), ended: None }
    }

    /// A packet arrived after `before` others of the pass, the last of them at `last`.
    #[inline]
    pub fn arrive(&mut self, seen: &Seen, before: u64, last: Timestamp) {
        if seen.macs != self.run.macs || seen.dscp != self.run.dscp {
            let run = self.run;
            self.ended.get_or_insert_default().add(&run, before, last);
            self.run = Run::new(seen, before);
        }
    }

    /// Link-layer addresses of the last packet.
    pub fn macs_now(&self) -> MacPair {
        self.run.macs
    }

    /// Code point of the last packet.
    pub fn dscp_now(&self) -> u8 {
        self.run.dscp
    }

    fn all(&self, packets: u64, last: Timestamp) -> Ended {
        let mut all = self.ended.as_deref().cloned().unwrap_or_default();
        all.add(&self.run, packets, last);
        all
    }

    /// Address pairs in order of first use; `packets` and `last` are those of the whole pass.
    pub fn macs(&self, packets: u64, last: Timestamp) -> SmallVec<[MacUse; 1]> {
        self.all(packets, last).macs
    }

    /// Code points in order of first use; `packets` is that of the whole pass.
    pub fn dscps(&self, packets: u64) -> SmallVec<[DscpUse; 1]> {
        self.all(packets, self.run.first).dscps
    }
}

impl Ended {
    /// Adds a run that ended after `packets` of the pass, the last of them at `last`.
    fn add(&mut self, run: &Run, packets: u64, last: Timestamp) {
        let n = packets.saturating_sub(run.before);
        if let Some(found) = self.macs.iter_mut().find(|m| m.macs == run.macs) {
            (found.packets, found.last) = (found.packets + n, last);
        } else if self.macs.len() < MAX_MACS {
            self.macs.push(MacUse { macs: run.macs, packets: n, first: run.first, last });
        }
        match self.dscps.iter_mut().find(|d| d.dscp == run.dscp) {
            Some(found) => found.packets += n,
            None => self.dscps.push(DscpUse { dscp: run.dscp, packets: n }),
        }
    }
}

impl Run {
    fn new(seen: &Seen, before: u64) -> Self {
        Self { macs: seen.macs, dscp: seen.dscp, first: seen.at, before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    #[test]
    fn runs_add_up_by_pair_and_by_code_point() {
        let at = |n: u8, dscp| {
            let mut seen = packet(0).at_ms(i64::from(n)).arrival().seen;
            (seen.macs.src, seen.dscp) = ([n % 2; 6], dscp);
            seen
        };
        let mut facts = LinkFacts::new(&at(0, 46));
        for n in 1..4u8 {
            facts.arrive(&at(n, if n == 3 { 0 } else { 46 }), u64::from(n), at(n - 1, 0).at);
        }
        let macs: Vec<_> = facts.macs(4, at(3, 0).at).iter().map(|m| (m.macs.src[0], m.packets, m.first.0, m.last.0)).collect();
        assert_eq!(macs, [(0, 2, 0, 2_000_000), (1, 2, 1_000_000, 3_000_000)]);
        let dscps: Vec<_> = facts.dscps(4).iter().map(|d| (d.dscp, d.packets)).collect();
        assert_eq!(dscps, [(46, 3), (0, 1)]);
    }

    #[test]
    fn addresses_have_a_cap() {
        let mut facts = LinkFacts::new(&packet(0).arrival().seen);
        for n in 1..100u8 {
            let mut seen = packet(0).arrival().seen;
            seen.macs.dst = [n; 6];
            facts.arrive(&seen, u64::from(n), seen.at);
        }
        assert_eq!(facts.macs(100, Timestamp(0)).len(), MAX_MACS);
    }
}
