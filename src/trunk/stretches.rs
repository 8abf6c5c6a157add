//! Times at which something was seen, as stretches: however long it goes on, a stretch is its two ends.

use crate::flow::Seen;
use crate::record::{RecordId, Seq};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A moment and the record that shows it. Marks are in order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// Capture time.
    pub at: Timestamp,
    /// Place in the merged order.
    pub seq: Seq,
    /// The record.
    pub id: RecordId,
}

impl From<&Seen> for Mark {
    fn from(seen: &Seen) -> Self {
        Self { at: seen.at, seq: seen.seq, id: seen.id }
    }
}

/// From the first to the last of moments that follow each other closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its first moment.
    pub first: Mark,
    /// Its last.
    pub last: Mark,
}

impl Stretch {
    /// One moment.
    pub fn of(mark: Mark) -> Self {
        Self { first: mark, last: mark }
    }

    /// From `first` until `last`, whose record is not known: it names that of the beginning.
    pub fn until(first: Mark, last: Timestamp) -> Self {
        Self { first, last: Mark { at: last.max(first.at), ..first } }
    }

    /// How long it is.
    pub fn length(&self) -> Span {
        self.last.at - self.first.at
    }
}

/// Stretches in order of time, of moments that are at most `JOIN` seconds apart: the first `MOST` of them. In which order they come does
/// not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretches<const JOIN: i64, const MOST: usize>(Vec<Stretch>);

impl<const JOIN: i64, const MOST: usize> Stretches<JOIN, MOST> {
    /// Adds one. Where one is let go for it, gives when that began: from there on they are not all known.
    pub fn add(&mut self, stretch: Stretch) -> Option<Timestamp> {
        let join = Span::secs(JOIN);
        let from = self.0.partition_point(|known| known.last.at + join < stretch.first.at);
        let until = self.0.partition_point(|known| known.first.at <= stretch.last.at + join).max(from);
        let joined = self
            .0
            .drain(from..until)
            .fold(stretch, |all, known| Stretch { first: all.first.min(known.first), last: all.last.max(known.last) });
        self.0.insert(from, joined);
        if self.0.len() > MOST { self.0.pop().map(|gone| gone.first.at) } else { None }
    }

    /// Adds all of others; gives what [`Self::add`] does.
    pub fn merge(&mut self, others: Self) -> Option<Timestamp> {
        others.0.into_iter().filter_map(|stretch| self.add(stretch)).min()
    }

    /// In order of time.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Stretch> {
        self.0.iter()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The longest.
    pub fn longest(&self) -> Option<&Stretch> {
        self.0.iter().max_by_key(|stretch| stretch.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(second: i64) -> Mark {
        Mark { at: Timestamp(second * 1_000_000_000), seq: Seq(second as u64), id: RecordId { input: 0, number: second as u64 } }
    }

    fn ends<const JOIN: i64, const MOST: usize>(stretches: &Stretches<JOIN, MOST>) -> Vec<(u64, u64)> {
        stretches.iter().map(|stretch| (stretch.first.seq.0, stretch.last.seq.0)).collect()
    }

    #[test]
    fn moments_make_the_same_stretches_in_any_order() {
        let seconds = [0, 60, 120, 400, 460, 1_000];
        let mut orders = vec![seconds.to_vec(), seconds.iter().rev().copied().collect(), vec![460, 0, 1_000, 120, 400, 60]];
        for order in &mut orders {
            let mut whole = Stretches::<60, 8>::default();
            order.iter().for_each(|second| assert_eq!(whole.add(Stretch::of(mark(*second))), None));
            assert_eq!(ends(&whole), [(0, 120), (400, 460), (1_000, 1_000)]);
            let (mut one, mut other) = (Stretches::<60, 8>::default(), Stretches::<60, 8>::default());
            order.iter().enumerate().for_each(|(n, second)| {
                let part = if n % 2 == 0 { &mut one } else { &mut other };
                part.add(Stretch::of(mark(*second)));
            });
            one.merge(other);
            assert_eq!(one, whole);
        }
    }

    #[test]
    fn the_first_stay_and_it_is_told_from_when_on_some_are_missing() {
        let mut few = Stretches::<10, 2>::default();
        let told: Vec<Option<i64>> =
            [0, 100, 200, 50].map(|second| few.add(Stretch::of(mark(second))).map(|at| at.0 / 1_000_000_000)).to_vec();
        assert_eq!((told, ends(&few)), (vec![None, None, Some(200), Some(100)], vec![(0, 0), (50, 50)]));
    }

    #[test]
    fn what_bridges_two_stretches_makes_them_one() {
        let mut stretches = Stretches::<10, 8>::default();
        for second in [0, 100] {
            stretches.add(Stretch::of(mark(second)));
        }
        stretches.add(Stretch { first: mark(5), last: mark(95) });
        assert_eq!((ends(&stretches), stretches.longest().map(|s| s.length())), (vec![(0, 100)], Some(Span::secs(100))));
    }
}
