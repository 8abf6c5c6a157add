//! The messages of a leg by fingerprint: which of them may be what comes now.

use super::{LegMessage, MessageIdx};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Earlier messages of the same content that a message is compared with; RFC 3261 sends an INVITE seven times, a response eleven.
const MOST_REPEATS: usize = 16;
/// So many messages are looked at one by one; nearly all legs have fewer, and keep no list.
const FEW: usize = 48;

/// The sorted list of a leg with many messages: a stranger may send any number in one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Prints(Vec<(u64, MessageIdx)>);

impl Prints {
    /// The latest messages with this fingerprint, the last one first.
    pub fn latest(&self, messages: &[LegMessage], fingerprint: u64) -> SmallVec<[MessageIdx; MOST_REPEATS]> {
        if messages.len() <= FEW {
            let same = messages.iter().enumerate().rev().filter(|(_, m)| m.fingerprint == fingerprint);
            return same.take(MOST_REPEATS).map(|(idx, _)| idx as MessageIdx).collect();
        }
        let end = self.0.partition_point(|(print, _)| *print <= fingerprint);
        let same = self.0.iter().take(end).rev().take_while(|(print, _)| *print == fingerprint);
        same.take(MOST_REPEATS).map(|(_, idx)| *idx).collect()
    }

    /// Takes in the fingerprint of the message that follows `messages`.
    pub fn add(&mut self, messages: &[LegMessage], fingerprint: u64) {
        if messages.len() < FEW {
            return;
        }
        if messages.len() == FEW {
            self.0 = messages.iter().map(|m| m.fingerprint).zip(0..).collect();
            self.0.sort_unstable();
        }
        let print = (fingerprint, messages.len() as MessageIdx);
        self.0.insert(self.0.partition_point(|known| *known < print), print);
    }
}
