//! Tables of flows, and which of their entries go when they are full; what a sweep is asked for.

use crate::decode::FlowKey;
use crate::record::Seq;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

/// Most flows of one kind in a shard; beyond it the longest unseen go.
const MOST_FLOWS: usize = 1 << 16;
/// Flows that stay then: room for many at once, so that finding the longest unseen is seldom.
const KEPT_FLOWS: usize = MOST_FLOWS / 8 * 7;

/// Flows by their keys, hashed with a seed of the process.
pub type Flows<T> = HashMap<FlowKey, T, foldhash::fast::RandomState>;

/// What a sweep is asked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Endpoints of legs that ended, with the Seq of the leg's last message: streams at them that began before it are taken.
    pub taken: HashMap<SocketAddr, Seq>,
    /// Endpoints of legs that fell silent: are there streams at them?
    pub watched: BTreeSet<SocketAddr>,
    /// Everything is taken: the capture ended.
    pub all: bool,
}

/// A table of so many flows has more than it may.
pub fn is_full(flows: usize) -> bool {
    flows > MOST_FLOWS
}

/// Flows to drop so that a table keeps its cap: those unseen for longest, in that order.
pub fn oldest(flows: impl ExactSizeIterator<Item = (Seq, FlowKey)>) -> Vec<FlowKey> {
    if !is_full(flows.len()) {
        return Vec::new();
    }
    let mut flows: Vec<_> = flows.collect();
    let over = flows.len() - KEPT_FLOWS;
    flows.select_nth_unstable(over);
    flows.truncate(over);
    flows.sort_unstable();
    flows.into_iter().map(|(_, flow)| flow).collect()
}
