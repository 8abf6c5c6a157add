//! What is known of pairs of addresses: most hops are between two that other calls went between, seen in the same way, and are looked
//! up here. Whatever is remembered is what would be judged anew.

use super::asymmetry::{self, Asymmetry};
use super::facts::Facts;
use super::hop::Network;
use super::segment::{self, Sighting, Way};
use crate::address;
use crate::decode::{MacPair, TapId, TunnelsId};
use crate::flow::Sightings;
use crate::time::Timestamp;
use crate::topology::{Place, Segment, Topology};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Pairs that are remembered; where there are more, all are forgotten.
const MOST_PAIRS: usize = 4_096;
/// Ways and verdicts that are remembered of one pair.
const MOST_KNOWN: usize = 8;

/// What is remembered, of one network: it must not be used with another.
#[derive(Debug, Default)]
pub struct Memo {
    /// By addresses and the period in which places do not change.
    pairs: HashMap<([IpAddr; 2], usize), Pair, foldhash::fast::RandomState>,
}

impl Memo {
    pub(super) fn pair(&mut self, topology: &Topology, ends: [IpAddr; 2], at: Timestamp) -> &mut Pair {
        let key = (ends, topology.period(at));
        if self.pairs.len() >= MOST_PAIRS && !self.pairs.contains_key(&key) {
            self.pairs.clear();
        }
        self.pairs.entry(key).or_insert_with(|| Pair::new(topology, ends, at))
    }
}

/// A memo for each of those that work at one time.
#[derive(Debug, Default)]
pub struct Memos(Mutex<Vec<Memo>>);

impl Memos {
    /// Lends one to `work`.
    pub fn lend<T>(&self, work: impl FnOnce(&mut Memo) -> T) -> T {
        let lent = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memo = lent.unwrap_or_default();
        let done = work(&mut memo);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memo);
        done
    }
}

/// Where a direction was seen: nowhere, or at one tap through one stack of tunnels with one pair of link addresses.
type Shown = Option<(TapId, TunnelsId, MacPair)>;

/// A segment, how it is known, and whether it was observed.
type Known = (Segment, Arc<str>, bool);

/// One pair of addresses.
#[derive(Debug)]
pub(super) struct Pair {
    ends: [IpAddr; 2],
    pub places: [Place; 2],
    /// The addresses as text.
    pub texts: [String; 2],
    /// The verdict where the question does not arise, as for most pairs.
    out_of_scope: Option<Arc<Asymmetry>>,
    ways: Vec<([Shown; 2], [Known; 2])>,
    verdicts: Vec<([Shown; 2], Arc<Asymmetry>)>,
}

impl Pair {
    fn new(topology: &Topology, ends: [IpAddr; 2], at: Timestamp) -> Self {
        Self {
            ends,
            places: ends.map(|ip| topology.place_of(ip, at)),
            texts: ends.map(address::ip),
            out_of_scope: asymmetry::out_of_scope(topology, ends[0], ends[1], at).map(Arc::new),
            ways: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// The ways of both directions, which were seen in `runs`.
    pub fn ways(&mut self, network: &Network<'_>, runs: &[Sightings; 2], at: Timestamp) -> [Way; 2] {
        let [a, b] = self.ends;
        let judge = || {
            let seen = [&runs[0], &runs[1]].map(|runs| network.sightings(runs));
            segment::ways_told(network.topology, [a, b], [&seen[0], &seen[1]], [a, b].map(|ip| network.route(ip, at)), at)
        };
        if network.peerings.are_shown() {
            return judge(); // what routers say is judged by when
        }
        let [Some(out), Some(back)] = [&runs[0], &runs[1]].map(one_run) else { return judge() };
        let shown = [out.0, back.0];
        if let Some((_, [there, here])) = self.ways.iter().find(|(known, _)| *known == shown) {
            let way = |(segment, basis, observed): &Known, (packets, bytes)| Way {
                segment: *segment,
                basis: Arc::clone(basis),
                observed: *observed,
                packets,
                bytes,
            };
            return [way(there, out.1), way(here, back.1)];
        }
        let ways = judge();
        if self.ways.len() < MOST_KNOWN {
            self.ways.push((shown, [0, 1].map(|i| (ways[i].segment, Arc::clone(&ways[i].basis), ways[i].observed))));
        }
        ways
    }

    /// Whether both directions, which were seen in the runs that `whole` gives beside other facts, use one segment.
    pub fn asymmetry(&mut self, network: &Network<'_>, whole: impl FnOnce() -> ([Sightings; 2], Facts), at: Timestamp) -> Arc<Asymmetry> {
        if let Some(verdict) = &self.out_of_scope {
            return Arc::clone(verdict);
        }
        let (topology, (runs, mut facts)) = (network.topology, whole());
        facts.routes = facts.receivers(self.ends).map(|to| network.route(to, at));
        let sightings: [Vec<Sighting<'_>>; 2] = [&runs[0], &runs[1]].map(|runs| network.sightings(runs));
        let judge = || Arc::new(asymmetry::within(topology, self.ends, [&sightings[0], &sightings[1]], &facts, at));
        if network.shows_links() {
            return judge(); // links are judged by when and how many
        }
        let shown = [&runs[0], &runs[1]].map(first_seen);
        if let Some((_, verdict)) = self.verdicts.iter().find(|(known, _)| *known == shown) {
            return Arc::clone(verdict);
        }
        let verdict = judge();
        if self.verdicts.len() < MOST_KNOWN {
            self.verdicts.push((shown, Arc::clone(&verdict)));
        }
        verdict
    }
}

/// Where a direction was seen, and how many packets and bytes; `None` where several runs have to be weighed.
fn one_run(runs: &Sightings) -> Option<(Shown, (u64, u64))> {
    match runs.0.as_slice() {
        [] => Some((None, (0, 0))),
        [run] if run.packets > 0 => Some((Some((run.tap, run.tunnels, run.macs)), (run.packets, run.bytes))),
        _ => None,
    }
}

/// Without links a verdict names no more than where each direction was seen first.
fn first_seen(runs: &Sightings) -> Shown {
    runs.0.iter().find(|run| run.packets > 0).map(|run| (run.tap, run.tunnels, run.macs))
}

#[cfg(test)]
mod tests {
    use super::super::support::{EDGE, PROXY, SBC, START, ip, topology};
    use super::*;
    use crate::call::Peerings;
    use crate::engine::Taps;
    use crate::flow::Run;

    fn runs(tap: u32, packets: &[u64]) -> Sightings {
        let run = |packets: &u64| Run {
            tap: TapId(tap),
            tunnels: TunnelsId(0),
            macs: MacPair::default(),
            ttl: 64,
            first: START,
            last: START,
            packets: *packets,
            bytes: packets * 9,
        };
        Sightings(packets.iter().map(run).collect())
    }

    #[test]
    fn what_is_remembered_is_what_would_be_judged() {
        let (linked, plain, taps) = (topology(&[EDGE]), Topology::built_in(), Taps::default());
        let seen = [runs(0, &[]), runs(0, &[3]), runs(0, &[7]), runs(1, &[3]), runs(0, &[3, 4])];
        for topology in [&linked, &plain] {
            let network = Network { topology, taps: &taps, interfaces: &[], files: &[], peerings: &Peerings::default() };
            let mut memo = Memo::default();
            for (out, back) in seen.iter().flat_map(|out| seen.iter().map(move |back| (out, back))).chain([(&seen[1], &seen[1])]) {
                for ends in [[SBC, PROXY], [PROXY, SBC], [SBC, "10.0.0.9"], ["192.0.2.1", "192.0.2.2"]] {
                    let ends = ends.map(ip);
                    let both = [out.clone(), back.clone()];
                    let anew = [network.sightings(out), network.sightings(back)];
                    let pair = memo.pair(topology, ends, START);
                    let ways = segment::ways(topology, ends[0], ends[1], &anew[0], &anew[1], START);
                    let verdict = asymmetry::judge(topology, ends[0], ends[1], &anew[0], &anew[1], START);
                    assert_eq!(pair.ways(&network, &both, START), ways);
                    assert_eq!(*pair.asymmetry(&network, || (both, Facts::default()), START), verdict);
                }
            }
        }
    }

    #[test]
    fn no_more_pairs_are_remembered_than_there_is_room_for() {
        let (topology, mut memo) = (Topology::built_in(), Memo::default());
        for n in 0..3 * MOST_PAIRS as u32 {
            memo.pair(&topology, [n, n + 1].map(|bits| IpAddr::from(bits.to_be_bytes())), START);
        }
        assert!(memo.pairs.len() <= MOST_PAIRS);
    }
}
