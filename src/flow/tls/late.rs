//! Records whose key may still come: from a pipe, secrets may stand behind what they open.

use crate::decode::Dir;
use crate::flow::websocket::Held;
use crate::record::Seq;
use serde::{Deserialize, Serialize};

/// Bytes kept of a connection; what is beyond came too early for its key.
const MOST: usize = 1 << 20;

/// A record that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// Which way it went.
    pub dir: Dir,
    /// Header and body.
    pub record: Vec<u8>,
    /// The records of the capture that held it.
    pub held: Held,
}

/// What there was no room for.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Dropped {
    /// Bytes.
    pub bytes: u64,
    /// Records of the capture that are named nowhere else.
    pub fresh: u64,
}

/// The records kept of a connection, in the order in which they came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Late {
    records: Vec<Kept>,
    bytes: usize,
    /// What there was no room for, by direction.
    dropped: [Dropped; 2],
    /// Version of the key log that did not have the key; a run that goes on from a saved state begins with none.
    #[serde(skip)]
    version: u64,
}

impl Late {
    /// Keeps a record that a key log of this version cannot open.
    pub fn keep(&mut self, dir: Dir, record: Vec<u8>, held: Held, version: u64) {
        self.version = version;
        if self.bytes + record.len() > MOST || self.dropped.iter().any(|dropped| dropped.bytes > 0) {
            return self.forget(dir, record.len(), &held);
        }
        self.bytes += record.len();
        self.records.push(Kept { dir, record, held });
    }

    fn forget(&mut self, dir: Dir, bytes: usize, held: &Held) {
        if let Some(dropped) = self.dropped.get_mut(dir.index()) {
            dropped.bytes += bytes as u64;
            dropped.fresh += held.iter().filter(|(_, first)| *first).count() as u64;
        }
    }

    /// Lets go of what is kept: others need the room.
    pub fn evict(&mut self) {
        self.bytes = 0;
        for kept in std::mem::take(&mut self.records) {
            self.forget(kept.dir, kept.record.len(), &kept.held);
        }
    }

    /// Something waits for keys, and the key log has grown since.
    pub fn is_due(&self, version: u64) -> bool {
        !self.is_empty() && self.version != version
    }

    /// Nothing is kept, and nothing was dropped of which keys could tell.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.dropped.iter().all(|dropped| dropped.bytes == 0)
    }

    /// Seq of the record of the capture that is kept for longest.
    pub fn since(&self) -> Option<Seq> {
        let first = self.records.first()?;
        Some(first.held.first().map(|(seen, _)| seen.seq).unwrap_or_default())
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Gives out what is kept, and what there was no room for.
    pub fn take(&mut self) -> (Vec<Kept>, [Dropped; 2]) {
        self.bytes = 0;
        (std::mem::take(&mut self.records), std::mem::take(&mut self.dropped))
    }
}
