//! The tables of taps and of tunnel stacks: numbers in order of first sight, at most 4 096 each, the rest share one.

use crate::decode::{Outer, TapId, TapKey, Tunnel, Tunnels, TunnelsId};
use crate::record::SourceId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most taps told apart; further ones share the tap after the last.
pub const MOST_TAPS: usize = 4096;
/// Most stacks of tunnels told apart; further ones share the number after the last.
pub const MOST_STACKS: usize = 4096;

/// Taps by what they are known by. Interfaces of one source with the same name are one interface: a rotated input goes on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Taps {
    ids: BTreeMap<TapKey, TapId>,
    taps: Vec<Tap>,
    stacks: BTreeMap<Tunnels, TunnelsId>,
    tunnels: Vec<Tunnels>,
    /// More than [`MOST_TAPS`] were seen. How often is not counted: that would tell how records were cut into windows.
    pub overflow: bool,
    /// More than [`MOST_STACKS`] stacks of tunnels were seen.
    pub tunnels_overflow: bool,
}

/// Where a packet was seen and what it came through, by the numbers of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct View {
    /// The tap.
    pub tap: TapId,
    /// Its source.
    pub source: SourceId,
    /// The tunnels.
    pub tunnels: TunnelsId,
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
            self.overflow = true;
            return TapId(MOST_TAPS as u32);
        }
        let id = TapId(self.taps.len() as u32);
        self.ids.insert(key.clone(), id);
        self.taps.push(Tap { key: key.clone(), source, inputs: Vec::new() });
        id
    }

    /// The number of a stack of tunnels, given now if it is new; 0 for none.
    pub fn stack(&mut self, tunnels: &Tunnels) -> TunnelsId {
        if tunnels.is_empty() {
            return TunnelsId(0);
        }
        if let Some(id) = self.stacks.get(tunnels) {
            return *id;
        }
        let id = TunnelsId(self.tunnels.len() as u32 + 1);
        if self.tunnels.len() < MOST_STACKS {
            self.stacks.insert(tunnels.clone(), id);
            self.tunnels.push(tunnels.clone());
        } else {
            self.tunnels_overflow = true;
        }
        id
    }

    /// The tunnels of a number, outer to inner; none for those that share the last number.
    pub fn tunnels(&self, id: TunnelsId) -> &[Tunnel] {
        let known = (id.0 as usize).checked_sub(1).and_then(|at| self.tunnels.get(at));
        known.map_or(&[], |tunnels| tunnels)
    }

    /// What stood around packets of this view. The shared tap has no key of its own: what is read further in it shares it too.
    pub fn outer(&self, view: View) -> Outer {
        let tap = self.get(view.tap).map(|tap| tap.key.clone()).unwrap_or_default();
        Outer { tap, tunnels: self.tunnels(view.tunnels).into(), agent: None }
    }

    /// The view of packets with `outer` around them, first seen through `from`.
    pub fn view(&mut self, outer: &Outer, from: View) -> View {
        let tap = if self.get(from.tap).is_some() { self.id(&outer.tap, from.source) } else { from.tap };
        View { tap, tunnels: self.stack(&outer.tunnels), ..from }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::TunnelKind;

    #[test]
    fn tunnels_beyond_the_cap_share_a_number_and_are_told() {
        let stack = |id| Tunnels::from_iter([Tunnel { kind: TunnelKind::Gtp, id: Some(id), ends: None }]);
        let mut taps = Taps::default();
        let ids: Vec<TunnelsId> = (0..MOST_STACKS as u32 + 2).map(|id| taps.stack(&stack(id))).collect();
        let shared = TunnelsId(MOST_STACKS as u32 + 1);
        assert_eq!((ids[0], ids[MOST_STACKS - 1]), (TunnelsId(1), TunnelsId(MOST_STACKS as u32)));
        assert_eq!((ids[MOST_STACKS], ids[MOST_STACKS + 1], taps.tunnels_overflow), (shared, shared, true));
        assert_eq!((taps.tunnels(ids[7]), taps.tunnels(shared).len()), (&stack(7)[..], 0));
    }
}
