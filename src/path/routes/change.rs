//! Changes of route: flows with Microsoft that go over one edge segment and then over the other, and events that are many of them at once.

use super::Flow;
use crate::flow::Seen;
use crate::path::observe::Observation;
use crate::time::{Span, Timestamp};
use crate::topology::Segment;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Changes so close together are made at once (call-flows section 5).
const WINDOW: Span = Span::secs(5);
/// An event is a change of so many flows, and of one in five that are active.
const FEW: u64 = 3;
const ONE_IN: u64 = 5;
/// Windows that are kept; flows in further ones are not counted.
const MOST: usize = 1 << 17;

/// Flows that changed in one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Changed {
    flows: u64,
    /// First packet of the first of them.
    first: Seen,
    /// When it changed.
    at: Timestamp,
}

/// Flows and their changes by window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changes {
    /// By window, from which segment to which.
    changed: BTreeMap<(i64, Segment, Segment), Changed>,
    /// How many more flows are active from this window on than before it.
    active: BTreeMap<i64, i64>,
}

/// A change of route that many flows made at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// From one segment to the other.
    pub change: (Segment, Segment),
    /// When the first flow changed.
    pub at: Timestamp,
    /// Flows that changed.
    pub flows: u64,
    /// Flows that were active.
    pub active: u64,
    /// First packet of the first flow.
    pub first: Seen,
}

fn window(at: Timestamp) -> i64 {
    at.0.div_euclid(WINDOW.0)
}

impl Changes {
    pub fn add(&mut self, flow: &Flow<'_>) {
        let seen = || flow.out.iter().chain(&flow.back).filter(|o| o.edge().is_some()).map(|o| o.sighting);
        let (Some(first), Some(last)) = (seen().map(|s| s.first).min(), seen().map(|s| s.last).max()) else { return };
        self.activate(window(first), 1);
        self.activate(window(last).saturating_add(1), -1);
        // The direction that changes last tells when the flow did: both usually do within a moment.
        let changes = [&flow.out, &flow.back].map(|direction| changes(direction));
        let mut counted = Vec::new();
        for (at, from, to) in changes.into_iter().flatten() {
            let near = |(other, before, after): &(Timestamp, Segment, Segment)| {
                (at - *other).0.abs() <= WINDOW.0 && (*before, *after) == (from, to)
            };
            if !counted.iter().any(near) {
                counted.push((at, from, to));
                self.change((window(at), from, to), Changed { flows: 1, first: flow.first, at });
            }
        }
    }

    fn activate(&mut self, window: i64, by: i64) {
        if self.active.len() < MOST || self.active.contains_key(&window) {
            *self.active.entry(window).or_default() += by;
        }
    }

    fn change(&mut self, key: (i64, Segment, Segment), later: Changed) {
        if self.changed.len() >= MOST && !self.changed.contains_key(&key) {
            return;
        }
        let known = self.changed.entry(key).or_insert(Changed { flows: 0, ..later.clone() });
        known.flows += later.flows;
        if (later.at, later.first.seq) < (known.at, known.first.seq) {
            (known.first, known.at) = (later.first, later.at);
        }
    }

    pub fn merge(&mut self, later: Self) {
        later.active.into_iter().for_each(|(window, by)| self.activate(window, by));
        later.changed.into_iter().for_each(|(key, changed)| self.change(key, changed));
    }

    /// The events, in order of time. Two neighbouring windows count as one: what happens at once may lie in both.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut active = 0;
        let mut more = self.active.iter().peekable();
        let mut taken = BTreeSet::new();
        for (key @ (window, from, to), changed) in &self.changed {
            while let Some((_, by)) = more.next_if(|(from, _)| *from <= window) {
                active += by;
            }
            if taken.contains(key) {
                continue;
            }
            let next_key = (window.saturating_add(1), *from, *to);
            let flows = changed.flows + self.changed.get(&next_key).map_or(0, |next| next.flows);
            let active = active.unsigned_abs().max(flows);
            if flows >= FEW && flows * ONE_IN >= active {
                taken.insert(next_key);
                events.push(Event { change: (*from, *to), at: changed.at, flows, active, first: changed.first });
            }
        }
        events
    }
}

/// When a direction went on over the other edge segment, and from which to which.
fn changes(direction: &[Observation<'_, '_>]) -> Vec<(Timestamp, Segment, Segment)> {
    let mut runs: Vec<(Timestamp, Timestamp, Segment)> =
        direction.iter().filter_map(|o| Some((o.sighting.first, o.sighting.last, o.edge()?))).collect();
    runs.sort_unstable();
    let next = |pair: &[(Timestamp, Timestamp, Segment)]| match pair {
        // Segments used at the same time are a split, not a change.
        [(_, last, from), (first, _, to)] if from != to && first >= last => Some((*first, *from, *to)),
        _ => None,
    };
    runs.windows(2).filter_map(next).collect()
}
