//! Flows with Microsoft of which one direction is seen at the edge and the other is not, by host of yours, prefix of Microsoft's and
//! segment: one systematic fault is one entry.

use super::taps::Calibration;
use super::{Flow, Marks};
use crate::flow::Seen;
use crate::path::observe::{Evidence, other_edge, settled};
use crate::topology::{Segment, Topology};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Entries kept; further hosts, prefixes and links are not.
const MOST: usize = 1024;
/// Marked packets that say something. Ours, as for all directions.
const FEW: u64 = 3;

/// Host of yours, prefix of Microsoft's, link on which one direction is seen, and whether that is the way out.
type Key = (IpAddr, IpNet, usize, bool);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    segment: Segment,
    remote: IpAddr,
    flows: u64,
    /// Flows whose seen packets answer some that are not seen.
    answers: u64,
    /// Code points of what is seen of the way back within your network, by tap.
    marks: BTreeMap<u32, Marks>,
    first: Seen,
}

/// Such flows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OneWays(BTreeMap<Key, Entry>);

/// What supports that the direction that is not seen goes over the other segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneWay {
    /// Your host, and one of Microsoft's in the prefix.
    pub ends: (IpAddr, IpAddr),
    /// Microsoft's prefix.
    pub net: IpNet,
    /// Segment out and segment back.
    pub pair: (Segment, Segment),
    /// The way out is the one that is seen.
    pub out_is_seen: bool,
    /// How many flows.
    pub flows: u64,
    /// First packet of the first.
    pub first: Seen,
    /// The support, in words.
    pub text: String,
}

impl OneWays {
    pub fn add(&mut self, flow: &Flow<'_>) {
        let Some(net) = flow.net else { return };
        let at_edge = |seen: &[super::Observation<'_, '_>]| seen.iter().any(|o| matches!(o.evidence, Evidence::Edge(_) | Evidence::Both));
        let (seen, unseen, out) = match (at_edge(&flow.out), at_edge(&flow.back)) {
            (true, false) => (&flow.out, &flow.back, true),
            (false, true) => (&flow.back, &flow.out, false),
            _ => return,
        };
        let Some(segment) = settled(seen) else { return };
        let link = seen.iter().flat_map(|o| &o.links).find(|link| *link.link.segment == segment);
        let Some(link) = link.map(|link| link.idx) else { return };
        let inner = |tap: &u32| unseen.iter().any(|o| o.evidence == Evidence::Inner && o.sighting.tap_id == *tap);
        let marks = flow.marks.iter().filter(|(tap, _)| out && inner(tap)).copied().collect();
        let answers = unseen.is_empty() && flow.answers[usize::from(!out)];
        let entry = Entry { segment, remote: flow.remote, flows: 1, answers: u64::from(answers), marks, first: flow.first };
        self.entry((flow.inside, net, link, out), entry);
    }

    fn entry(&mut self, key: Key, later: Entry) {
        let Some(known) = self.0.get_mut(&key) else {
            if self.0.len() < MOST {
                self.0.insert(key, later);
            }
            return;
        };
        known.flows += later.flows;
        known.answers += later.answers;
        for (tap, marks) in later.marks {
            let sum = known.marks.entry(tap).or_default();
            *sum = Marks { marked: sum.marked + marks.marked, plain: sum.plain + marks.plain };
        }
        if later.first.seq < known.first.seq {
            (known.first, known.remote) = (later.first, later.remote);
        }
    }

    pub fn merge(&mut self, later: Self) {
        later.0.into_iter().for_each(|(key, entry)| self.entry(key, entry));
    }

    /// Those that something supports: M6, then M10.
    pub fn supported(&self, taps: &Calibration, topology: &Topology) -> Vec<OneWay> {
        let links = &topology.tables.links;
        let is_tapped = |segment| links.iter().enumerate().any(|(idx, link)| *link.segment == segment && taps.is_tapped(idx));
        let support = |((inside, net, link, out), entry): (&Key, &Entry)| {
            let other = other_edge(entry.segment);
            let id = links.get(*link).map(|link| link.id.as_str()).unwrap_or_default();
            let unanswered = || {
                // What would come over a link that is tapped would be seen there.
                let (both, all) = taps.sees_both(*link, *net).filter(|_| entry.answers > 0 && !is_tapped(other))?;
                Some(format!(
                    "what is seen on link {id} answers packets that are not, though {both} of {all} other flows are seen there both ways (M6)"
                ))
            };
            let marked = || {
                let of = |(tap, marks): (&u32, &Marks)| {
                    let plain = taps.plain(*tap).filter(|_| marks.marked >= FEW)?;
                    Some((marks.marked, plain))
                };
                let (marked, plain) = entry.marks.iter().find_map(of).filter(|_| *out && other == Segment::Expressroute)?;
                Some(format!("{marked} packets come back with a code point, which none of {plain} packets from the Internet keeps (M10)"))
            };
            Some(OneWay {
                ends: (*inside, entry.remote),
                net: *net,
                pair: if *out { (entry.segment, other) } else { (other, entry.segment) },
                out_is_seen: *out,
                flows: entry.flows,
                first: entry.first,
                text: unanswered().or_else(marked)?,
            })
        };
        self.0.iter().filter_map(support).collect()
    }
}
