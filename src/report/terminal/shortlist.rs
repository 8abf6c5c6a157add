//! Which ladders are worth drawing while calls are still being judged, so that a month of broken calls does not draw a million.

use crate::record::Seq;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

/// The `most` earliest calls so far. Whatever the order of arrival, the earliest of all are admitted.
#[derive(Debug)]
pub struct Shortlist {
    most: usize,
    earliest: Mutex<BinaryHeap<Seq>>,
}

impl Shortlist {
    /// A list of `most` places.
    pub fn new(most: usize) -> Self {
        Self { most, earliest: Mutex::default() }
    }

    /// Whether a call that begins at `first` is among the earliest of those seen up to now.
    pub fn admits(&self, first: Seq) -> bool {
        let mut earliest = self.earliest.lock().unwrap_or_else(PoisonError::into_inner);
        if earliest.len() >= self.most {
            if earliest.peek().is_none_or(|latest| first > *latest) {
                return false;
            }
            earliest.pop();
        }
        earliest.push(first);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_calls_are_admitted_in_any_order_of_arrival() {
        for order in [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 4, 2]] {
            let list = Shortlist::new(2);
            let admitted: Vec<u64> = order.into_iter().filter(|n| list.admits(Seq(*n))).collect();
            assert!(admitted.contains(&1) && admitted.contains(&2), "{order:?} admitted {admitted:?}");
        }
    }

    #[test]
    fn in_order_of_time_no_more_than_the_places_are_drawn() {
        let list = Shortlist::new(20);
        assert_eq!((0..1000).filter(|n| list.admits(Seq(*n))).count(), 20);
    }
}
