//! Tables of flows, and which of their entries go when they are full; what a sweep is asked for.

use crate::decode::FlowKey;
use crate::record::Seq;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

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

/// Flows to drop so that a table has at most `most` entries, of which each flow has as many as it says: those unseen for longest, in that
/// order, and an eighth of the room with them, so that looking for them is seldom.
pub fn oldest(flows: impl Iterator<Item = (Seq, FlowKey, usize)>, most: usize) -> Vec<FlowKey> {
    let mut flows: Vec<_> = flows.collect();
    let mut entries: usize = flows.iter().map(|(.., n)| n).sum();
    if entries <= most {
        return Vec::new();
    }
    flows.sort_unstable();
    let kept = most / 8 * 7;
    let goes = |(_, flow, n): (Seq, FlowKey, usize)| {
        let goes = entries > kept;
        entries = entries.saturating_sub(n);
        goes.then_some(flow)
    };
    flows.into_iter().map_while(goes).collect()
}
