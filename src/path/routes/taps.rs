//! Whether the taps of a link see both directions of flows, and what code points arrive from the Internet: what M6 and M10 are held
//! against.

use super::{Flow, Marks};
use crate::path::observe::Observation;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Remote prefixes told apart on one link; flows with further ones are not counted.
const MOST_NETS: usize = 256;
/// Taps whose marks are kept.
const MOST_TAPS: usize = 4096;
/// Flows that say anything of a link, and the share of them that must be seen both ways (call-flows section 5, M6).
const ENOUGH: u64 = 3;
const SHARE: (u64, u64) = (4, 5);
/// Packets without a code point that show that none is kept. Ours.
const ENOUGH_PLAIN: u64 = 50;

/// Flows by remote prefix, seen both ways and one way; no prefix for all that is not Microsoft's.
type ByNet = BTreeMap<Option<IpNet>, [u64; 2]>;

/// What the taps show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calibration {
    /// By position of the link in the topology.
    links: BTreeMap<usize, ByNet>,
    /// Media from elsewhere than Microsoft, by tap.
    marks: BTreeMap<u32, Marks>,
}

impl Calibration {
    pub fn add(&mut self, flow: &Flow<'_>) {
        let links = |seen: &[Observation<'_, '_>]| BTreeSet::from_iter(seen.iter().flat_map(|o| &o.links).map(|link| link.idx));
        let (out, back) = (links(&flow.out), links(&flow.back));
        for link in out.union(&back) {
            let both = out.contains(link) && back.contains(link);
            self.count(*link, flow.net, if both { [1, 0] } else { [0, 1] });
        }
        if flow.net.is_none() {
            flow.marks.iter().for_each(|(tap, marks)| self.mark(*tap, *marks));
        }
    }

    fn count(&mut self, link: usize, net: Option<IpNet>, [both, one]: [u64; 2]) {
        let nets = self.links.entry(link).or_default();
        if nets.len() < MOST_NETS || nets.contains_key(&net) {
            let known = nets.entry(net).or_default();
            *known = [known[0] + both, known[1] + one];
        }
    }

    fn mark(&mut self, tap: u32, marks: Marks) {
        if self.marks.len() < MOST_TAPS || self.marks.contains_key(&tap) {
            let known = self.marks.entry(tap).or_default();
            *known = Marks { marked: known.marked + marks.marked, plain: known.plain + marks.plain };
        }
    }

    pub fn merge(&mut self, later: Self) {
        for (link, nets) in later.links {
            nets.into_iter().for_each(|(net, flows)| self.count(link, net, flows));
        }
        later.marks.into_iter().for_each(|(tap, marks)| self.mark(tap, marks));
    }

    /// Anything was seen on the link.
    pub fn is_tapped(&self, link: usize) -> bool {
        self.links.contains_key(&link)
    }

    /// Flows on the link with others than `net`: those seen both ways, and all, where they show that its tap sees both directions.
    pub fn sees_both(&self, link: usize, net: IpNet) -> Option<(u64, u64)> {
        let others = self.links.get(&link)?.iter().filter(|(known, _)| **known != Some(net));
        let [both, one] = others.fold([0, 0], |[both, one], (_, flows)| [both + flows[0], one + flows[1]]);
        let all = both + one;
        (all >= ENOUGH && both * SHARE.1 >= all * SHARE.0).then_some((both, all))
    }

    /// Packets from the Internet at the tap, where none of them carries a code point.
    pub fn plain(&self, tap: u32) -> Option<u64> {
        let marks = self.marks.get(&tap)?;
        (marks.marked == 0 && marks.plain >= ENOUGH_PLAIN).then_some(marks.plain)
    }
}
