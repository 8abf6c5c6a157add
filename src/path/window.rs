//! The two directions of a flow compared window by window: what they share in 5 s, away from route changes.

use super::observe::Observation;
use crate::time::Span;
use crate::topology::Segment;
use std::collections::{BTreeMap, BTreeSet};

/// Length of a window, and how far from a route change nothing is judged.
const WINDOW: Span = Span::secs(5);
/// Share of a direction's packets in a window that must agree.
const SHARE: f64 = 0.9;
/// Runs of one direction beyond this number are merged by segment, so that the work stays small on odd captures.
const MAX_RUNS: usize = 64;

/// Packets spread evenly over `first..end` in ns.
#[derive(Debug, Clone, Copy)]
struct Run {
    segment: Segment,
    first: i128,
    end: i128,
    packets: f64,
}

impl Run {
    fn within(&self, from: i128, to: i128) -> f64 {
        let shared = self.end.min(to) - self.first.max(from);
        if shared <= 0 { 0.0 } else { self.packets * shared as f64 / (self.end - self.first) as f64 }
    }
}

/// What the windows show in which each direction kept to one segment.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// One entry per pair of segments.
    pub pairs: Vec<Pair>,
    /// Whether any window had packets of both directions.
    pub shared: bool,
    /// Whether such a window was left out because a route changed within 5 s of it.
    pub changing: bool,
}

/// Packets of all windows in which the directions kept to these segments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub there: Segment,
    pub back: Segment,
    pub n_there: f64,
    pub n_back: f64,
}

impl Pair {
    /// Packets of the direction that has fewer.
    pub fn fewer(&self) -> f64 {
        self.n_there.min(self.n_back)
    }
}

impl Tally {
    fn add(&mut self, pair: Pair) {
        match self.pairs.iter_mut().find(|other| (other.there, other.back) == (pair.there, pair.back)) {
            Some(total) => *total = Pair { n_there: total.n_there + pair.n_there, n_back: total.n_back + pair.n_back, ..pair },
            None => self.pairs.push(pair),
        }
    }

    /// The pair with most packets, of those whose segments are equal or differ.
    pub fn main(&self, equal: bool) -> Option<Pair> {
        let of = self.pairs.iter().filter(|pair| (pair.there == pair.back) == equal);
        of.max_by(|a, b| a.fewer().total_cmp(&b.fewer())).copied()
    }

    /// Packets of both directions in all pairs whose segments are equal or differ.
    pub fn packets(&self, equal: bool) -> f64 {
        let of = self.pairs.iter().filter(|pair| (pair.there == pair.back) == equal);
        of.map(|pair| pair.n_there + pair.n_back).sum()
    }
}

/// Compares two directions.
pub(super) fn compare(a_to_b: &[Observation<'_, '_>], b_to_a: &[Observation<'_, '_>]) -> Tally {
    let (there, back) = (runs(a_to_b), runs(b_to_a));
    let changes: Vec<i128> = [changes(&there), changes(&back)].concat();
    let length = i128::from(WINDOW.0);
    let mut tally = Tally::default();
    for (from, n_windows) in windows(&there, &back, &changes) {
        let to = from + length;
        let (Some(one), Some(other)) = (held(&there, from, to), held(&back, from, to)) else { continue };
        tally.shared = true;
        if changes.iter().any(|change| (from - length..=to + length).contains(change)) {
            tally.changing = true;
        } else if let (Held::One(there, n_there), Held::One(back, n_back)) = (one, other) {
            tally.add(Pair { there, back, n_there: n_there * n_windows, n_back: n_back * n_windows });
        }
    }
    tally
}

fn runs(observations: &[Observation<'_, '_>]) -> Vec<Run> {
    let run = |observation: &Observation<'_, '_>| {
        let sighting = observation.sighting;
        let (first, last) = (sighting.first.min(sighting.last), sighting.first.max(sighting.last));
        let packets = sighting.packets as f64;
        Some(Run { segment: observation.edge()?, first: i128::from(first.0), end: i128::from(last.0) + 1, packets })
    };
    let runs: Vec<Run> = observations.iter().filter_map(run).collect();
    if runs.len() <= MAX_RUNS { runs } else { merged(&runs) }
}

fn merged(runs: &[Run]) -> Vec<Run> {
    let mut by_segment: BTreeMap<Segment, Run> = BTreeMap::new();
    for run in runs {
        let all = by_segment.entry(run.segment).or_insert(Run { packets: 0.0, ..*run });
        *all = Run { first: all.first.min(run.first), end: all.end.max(run.end), packets: all.packets + run.packets, ..*all };
    }
    by_segment.into_values().collect()
}

/// When a direction changed its segment: where a run begins or ends while the direction has runs on both segments.
fn changes(runs: &[Run]) -> Vec<i128> {
    let segments: BTreeSet<Segment> = runs.iter().map(|run| run.segment).collect();
    let (Some(first), Some(end)) = (runs.iter().map(|run| run.first).min(), runs.iter().map(|run| run.end).max()) else {
        return Vec::new();
    };
    if segments.len() < 2 {
        return Vec::new();
    }
    let borders = runs.iter().flat_map(|run| [run.first, run.end]);
    borders.filter(|border| *border != first && *border != end).collect()
}

/// Start and number of windows that are judged alike: each one near a border by itself, the even stretches between by one.
fn windows(there: &[Run], back: &[Run], changes: &[i128]) -> Vec<(i128, f64)> {
    let borders = there.iter().chain(back).flat_map(|run| [run.first, run.end]).chain(changes.iter().copied());
    let Some(start) = there.iter().chain(back).map(|run| run.first).min() else { return Vec::new() };
    let length = i128::from(WINDOW.0);
    let near: BTreeSet<i128> = borders.flat_map(|border| (-2..=2).map(move |step| (border - start) / length + step)).collect();
    let mut windows: Vec<(i128, f64)> = Vec::new();
    let mut expected = 0;
    for window in near.into_iter().filter(|window| *window >= 0) {
        if window > expected {
            windows.push((start + expected * length, (window - expected) as f64));
        }
        windows.push((start + window * length, 1.0));
        expected = window + 1;
    }
    windows
}

/// What a direction did in a window in which it had packets.
enum Held {
    /// Kept to one segment, with that many packets on it.
    One(Segment, f64),
    /// Used both.
    Mixed,
}

fn held(runs: &[Run], from: i128, to: i128) -> Option<Held> {
    let mut by_segment: BTreeMap<Segment, f64> = BTreeMap::new();
    for run in runs {
        *by_segment.entry(run.segment).or_default() += run.within(from, to);
    }
    let total: f64 = by_segment.values().sum();
    let (segment, most) = by_segment.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    if total <= 0.0 {
        return None;
    }
    Some(if most >= SHARE * total { Held::One(segment, most) } else { Held::Mixed })
}
