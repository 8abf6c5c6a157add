//! Records whose key may still come: from a pipe, secrets may stand behind what they open.

use crate::decode::Dir;
use crate::flow::websocket::Held;
use serde::{Deserialize, Serialize};

/// Bytes kept of a connection; what is beyond came too early for its key.
const MOST: usize = 1 << 20;

/// The records kept of a connection, in the order in which they came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Late {
    records: Vec<(Dir, Vec<u8>, Held)>,
    bytes: usize,
    /// Bytes, and records of the capture named nowhere else, that there was no room for, by direction.
    dropped: [(u64, u64); 2],
    /// Version of the key log that did not have the key.
    version: u64,
}

impl Late {
    /// Keeps a record that a key log of this version cannot open.
    pub fn keep(&mut self, dir: Dir, record: Vec<u8>, held: Held, version: u64) {
        self.version = version;
        if self.bytes + record.len() > MOST || self.dropped.iter().any(|(bytes, _)| *bytes > 0) {
            if let Some((bytes, fresh)) = self.dropped.get_mut(dir.index()) {
                *bytes += record.len() as u64;
                *fresh += held.iter().filter(|(_, first)| *first).count() as u64;
            }
            return;
        }
        self.bytes += record.len();
        self.records.push((dir, record, held));
    }

    /// Something is kept, and the key log has grown since.
    pub fn is_due(&self, version: u64) -> bool {
        !self.records.is_empty() && self.version != version
    }

    /// Nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Gives out what is kept, and what there was no room for.
    pub fn take(&mut self) -> (Vec<(Dir, Vec<u8>, Held)>, [(u64, u64); 2]) {
        self.bytes = 0;
        (std::mem::take(&mut self.records), std::mem::take(&mut self.dropped))
    }
}
