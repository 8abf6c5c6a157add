//! The holes in the sequence of a pass: what was expected and did not come.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Gaps a pass keeps; numbers missing beyond them are counted, not placed.
pub const MAX_GAPS: usize = 256;

/// Consecutive numbers that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first missing number, extended as in [`crate::flow::sequence::Numbers`].
    pub first: u64,
    /// How many are missing; at least 1.
    pub count: u64,
    /// When the packet after them came.
    pub at: Timestamp,
}

impl Gap {
    fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }
}

/// At most [`MAX_GAPS`] gaps in ascending order, and how many missing numbers found no place. Allocates only when something is lost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gaps(Option<Box<Kept>>);

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Kept {
    list: Vec<Gap>,
    beyond: u64,
}

impl Gaps {
    /// The gaps that are placed, in order.
    pub fn list(&self) -> &[Gap] {
        self.0.as_ref().map_or(&[], |kept| &kept.list)
    }

    /// Missing numbers that no gap holds.
    pub fn beyond(&self) -> u64 {
        self.0.as_ref().map_or(0, |kept| kept.beyond)
    }

    /// `count` numbers from `first` on are missing.
    pub fn open(&mut self, first: u64, count: u64, at: Timestamp) {
        if count > 0 {
            self.0.get_or_insert_default().open(first, count, at);
        }
    }

    /// `number` came after all. False when it was not missing.
    pub fn fill(&mut self, number: u64) -> bool {
        self.0.as_mut().is_some_and(|kept| kept.fill(number))
    }
}

impl Kept {
    fn open(&mut self, first: u64, count: u64, at: Timestamp) {
        if self.list.len() >= MAX_GAPS {
            self.beyond = self.beyond.saturating_add(count);
            return;
        }
        let place = self.list.partition_point(|gap| gap.first < first);
        self.list.insert(place, Gap { first, count, at });
    }

    fn fill(&mut self, number: u64) -> bool {
        let place = self.list.partition_point(|gap| gap.end() <= number);
        let Some(gap) = self.list.get_mut(place).filter(|gap| gap.first <= number) else {
            let was_missing = self.beyond > 0;
            self.beyond -= u64::from(was_missing);
            return was_missing;
        };
        let after = Gap { first: number + 1, count: gap.end() - number - 1, at: gap.at };
        gap.count = number - gap.first;
        if gap.count == 0 {
            self.list.remove(place);
        }
        if after.count > 0 {
            self.open(after.first, after.count, after.at);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(gaps: &Gaps) -> Vec<(u64, u64)> {
        gaps.list().iter().map(|gap| (gap.first, gap.count)).collect()
    }

    #[test]
    fn late_packet_splits_its_gap() {
        let mut gaps = Gaps::default();
        gaps.open(10, 5, Timestamp(1));
        gaps.open(20, 1, Timestamp(2));
        assert!(gaps.fill(12) && !gaps.fill(12) && gaps.fill(20) && !gaps.fill(99));
        assert_eq!(parts(&gaps), [(10, 2), (13, 2)]);
        assert!(gaps.fill(10) && gaps.fill(14));
        assert_eq!(parts(&gaps), [(11, 1), (13, 1)]);
    }

    #[test]
    fn gaps_before_the_first_go_in_front() {
        let mut gaps = Gaps::default();
        gaps.open(50, 2, Timestamp(1));
        gaps.open(8, 3, Timestamp(2));
        assert_eq!(parts(&gaps), [(8, 3), (50, 2)]);
    }

    #[test]
    fn loss_beyond_the_cap_is_counted() {
        let mut gaps = Gaps::default();
        for i in 0..300 {
            gaps.open(i * 10, 2, Timestamp(0));
        }
        assert_eq!((gaps.list().len(), gaps.beyond()), (MAX_GAPS, 88));
        assert!(gaps.fill(2_990));
        assert_eq!(gaps.beyond(), 87);
    }
}
