//! The table of taps: numbers in order of first sight, at most 4 096, the rest share one.

use crate::decode::{TapId, TapKey};
use crate::record::SourceId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most taps told apart; further ones share the tap after the last.
pub const MOST_TAPS: usize = 4096;

/// Taps by what they are known by. Interfaces of one source with the same name are one interface: a rotated input goes on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Taps {
    ids: BTreeMap<TapKey, TapId>,
    taps: Vec<Tap>,
    /// Records of taps beyond [`MOST_TAPS`].
    pub overflow: u64,
}

/// A tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tap {
    /// What it is known by.
    pub key: TapKey,
    /// Its source.
    pub source: SourceId,
    /// Indices of the inputs it was seen in, ascending.
    pub inputs: Vec<u32>,
}

impl Taps {
    /// The number of the tap `key`, given now if it is new.
    pub fn id(&mut self, key: &TapKey, source: SourceId) -> TapId {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        if self.taps.len() >= MOST_TAPS {
            self.overflow += 1;
            return TapId(MOST_TAPS as u32);
        }
        let id = TapId(self.taps.len() as u32);
        self.ids.insert(key.clone(), id);
        self.taps.push(Tap { key: key.clone(), source, inputs: Vec::new() });
        id
    }

    /// The tap was seen in an input.
    pub fn seen_in(&mut self, id: TapId, input: u32) {
        if let Some(tap) = self.taps.get_mut(id.0 as usize)
            && let Err(at) = tap.inputs.binary_search(&input)
        {
            tap.inputs.insert(at, input);
        }
    }

    /// A tap by its number; `None` for the overflow tap.
    pub fn get(&self, id: TapId) -> Option<&Tap> {
        self.taps.get(id.0 as usize)
    }

    /// All taps with their numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (TapId, &Tap)> {
        self.taps.iter().enumerate().map(|(i, tap)| (TapId(i as u32), tap))
    }
}
