//! Over which segment the connections go that your hosts open with Microsoft, and over which those that Microsoft opens.

use super::Flow;
use crate::flow::Seen;
use crate::path::{hop::HopKind, observe::settled};
use crate::topology::Segment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Hosts that are kept.
const MOST: usize = 1024;

/// Connections over one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Over {
    connections: u64,
    first: Seen,
}

/// Connections by host, by who opened them (your side: true) and by the segment that both directions keep to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened(BTreeMap<IpAddr, BTreeMap<(bool, Segment), Over>>);

/// A host whose own connections go over one segment, and those that Microsoft opens over the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// The host.
    pub host: IpAddr,
    /// Segment of what it opens, and of what Microsoft opens.
    pub over: (Segment, Segment),
    /// How many of each.
    pub connections: (u64, u64),
    /// First packet of the first of each.
    pub first: [Seen; 2],
}

impl Opened {
    pub fn add(&mut self, flow: &Flow<'_>) {
        let (Some(by_you), HopKind::Signalling) = (flow.opened_by_you, flow.kind) else { return };
        if let Some(segment) = settled(&flow.out).filter(|segment| settled(&flow.back) == Some(*segment)) {
            self.count(flow.inside, (by_you, segment), Over { connections: 1, first: flow.first });
        }
    }

    fn count(&mut self, host: IpAddr, key: (bool, Segment), later: Over) {
        if self.0.len() >= MOST && !self.0.contains_key(&host) {
            return;
        }
        let known = self.0.entry(host).or_default().entry(key).or_insert(Over { connections: 0, ..later });
        known.connections += later.connections;
        if later.first.seq < known.first.seq {
            known.first = later.first;
        }
    }

    pub fn merge(&mut self, later: Self) {
        for (host, over) in later.0 {
            over.into_iter().for_each(|(key, over)| self.count(host, key, over));
        }
    }

    /// Only where each side keeps to one segment: a host that uses both has no pair to compare.
    pub fn apart(&self) -> Vec<Apart> {
        let only = |over: &BTreeMap<(bool, Segment), Over>, by_you: bool| {
            let mut own = over.iter().filter(|((by, _), _)| *by == by_you).map(|((_, segment), over)| (*segment, *over));
            own.next().filter(|_| own.next().is_none())
        };
        let apart = |(host, over): (&IpAddr, &BTreeMap<(bool, Segment), Over>)| {
            let ((own, mine), (other, theirs)) = (only(over, true)?, only(over, false)?);
            let connections = (mine.connections, theirs.connections);
            (own != other).then_some(Apart { host: *host, over: (own, other), connections, first: [mine.first, theirs.first] })
        };
        self.0.iter().filter_map(apart).collect()
    }
}
