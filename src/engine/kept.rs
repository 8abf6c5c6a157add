//! What the TCP flows of a shard keep together: bytes of messages that are not whole, and among them those whose keys may still come.

use crate::decode::FlowKey;
use crate::flow::TcpFlow;
use crate::record::Seq;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a flow keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keeps {
    /// Bytes.
    bytes: usize,
    /// Bytes of them that wait for keys, and since when.
    late: Option<(Seq, usize)>,
}

impl Keeps {
    /// What `flow` keeps now.
    pub fn of(flow: &TcpFlow) -> Self {
        Self { bytes: flow.size(), late: flow.late() }
    }
}

/// What all keep.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Bytes.
    pub bytes: usize,
    /// Bytes of them that wait for keys.
    late: usize,
    /// Flows with such bytes, those that keep them for longest first.
    since: BTreeSet<(Seq, FlowKey)>,
}

impl Kept {
    /// A flow keeps something else than before.
    pub fn change(&mut self, flow: FlowKey, before: Keeps, now: Keeps) {
        self.bytes = self.bytes + now.bytes - before.bytes;
        if let Some((since, bytes)) = before.late {
            self.late -= bytes;
            self.since.remove(&(since, flow));
        }
        if let Some((since, bytes)) = now.late {
            self.late += bytes;
            self.since.insert((since, flow));
        }
    }

    /// The flow that has kept bytes for longest until keys come, where all such bytes are more than `most`.
    pub fn longest(&self, most: usize) -> Option<FlowKey> {
        self.since.first().filter(|_| self.late > most).map(|(_, flow)| *flow)
    }
}
