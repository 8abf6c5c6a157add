//! Which calls are worth a row or a ladder while calls are still being judged, so that a month of broken calls does not draw a
//! million.

use crate::finding::Severity;
use crate::record::Seq;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

/// How early a call comes in a list that has not room for all: those with errors first, then by severity; clean ones last. Calls of
/// one place are in order of first record.
pub fn place(severity: Option<Severity>) -> u8 {
    match severity {
        Some(Severity::Error) => 0,
        Some(Severity::Warning) => 1,
        Some(Severity::Info) => 2,
        None => 3,
    }
}

/// The `most` first calls so far, by place and first record. Whatever the order of arrival, the first of all are admitted.
#[derive(Debug)]
pub struct Shortlist {
    most: usize,
    first: Mutex<BinaryHeap<(u8, Seq)>>,
}

impl Shortlist {
    /// A list of `most` calls; `usize::MAX` takes all.
    pub fn new(most: usize) -> Self {
        Self { most, first: Mutex::default() }
    }

    /// Whether a call would be admitted now. Once it would not, it never will be.
    pub fn may_admit(&self, place: u8, first: Seq) -> bool {
        let kept = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        kept.len() < self.most || kept.peek().is_some_and(|last| (place, first) <= *last)
    }

    /// Whether a call is among the first of those seen up to now.
    pub fn admits(&self, place: u8, first: Seq) -> bool {
        if self.most == usize::MAX {
            return true;
        }
        let mut kept = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            if kept.peek().is_none_or(|last| (place, first) > *last) {
                return false;
            }
            kept.pop();
        }
        kept.push((place, first));
        true
    }
}

/// Of entries in order of first record, each with its place, which are the `most` first: a mark for each.
pub fn choose(places: &[u8], most: usize) -> Vec<bool> {
    let mut room = most;
    let mut chosen = vec![false; places.len()];
    for wanted in 0..=place(None) {
        for (mark, _) in chosen.iter_mut().zip(places).filter(|(_, place)| **place == wanted) {
            *mark = room > 0;
            room = room.saturating_sub(1);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_calls_are_admitted_in_any_order_of_arrival() {
        for order in [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 4, 2]] {
            let list = Shortlist::new(2);
            let admits = |n: &u64| {
                let may = list.may_admit(3, Seq(*n));
                assert_eq!(list.admits(3, Seq(*n)), may);
                may
            };
            let admitted: Vec<u64> = order.into_iter().filter(admits).collect();
            assert!(admitted.contains(&1) && admitted.contains(&2), "{order:?} admitted {admitted:?}");
        }
    }

    #[test]
    fn the_worst_are_admitted_however_late() {
        let list = Shortlist::new(2);
        let admitted = [(3, 1), (3, 2), (3, 3), (1, 4), (0, 5), (2, 6), (1, 7)].map(|(place, n)| list.admits(place, Seq(n)));
        assert_eq!(admitted, [true, true, false, true, true, false, false]);
    }

    #[test]
    fn in_order_of_time_no_more_than_the_places_are_drawn() {
        let list = Shortlist::new(20);
        assert_eq!((0..1000).filter(|n| list.admits(0, Seq(*n))).count(), 20);
    }

    #[test]
    fn the_worst_are_chosen_and_stay_in_order_of_time() {
        assert_eq!(choose(&[3, 1, 3, 0, 1], 3), [false, true, false, true, true]);
        assert_eq!(choose(&[3, 1, 3, 0, 1], 2), [false, true, false, true, false]);
        assert_eq!(choose(&[3, 1, 3, 0, 1], 4), [true, true, false, true, true]);
        assert_eq!(choose(&[3, 3], 9), [true, true]);
    }
}
