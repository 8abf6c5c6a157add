//! Sequence numbers of a pass (RFC 3550 appendix A.1): the extended number, what was expected, and which numbers were seen.

use crate::flow::gaps::Gaps;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A step ahead of this or more is no loss but a jump (RFC 3550 appendix A.1).
const MAX_DROPOUT: u16 = 3_000;
/// A step back of more than this is no reordering but a jump (RFC 3550 appendix A.1).
const MAX_MISORDER: u16 = 100;
/// A step of this or less after a jump proves that the sequence restarted there.
const MAX_STEP: u16 = 100;

/// Where a packet stands in its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Ahead of all before it.
    Next,
    /// Behind one that came earlier, and missing until now.
    Late,
    /// Its number was seen before.
    Repeat,
    /// So far off that it belongs nowhere, yet: it is not expected, and not received.
    Stray,
    /// It follows the last stray: the sequence restarted with that one, and both are received.
    Restart,
}

/// Extended numbers count on from 65 536 + the first number, so that a packet before the first has one too. A jump (3 000 ahead or more
/// than 100 back) starts a new run of numbers once a second packet confirms it; the numbers between are not expected. `tshark` counts
/// them as lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    highest: u64,
    /// Bit n: `highest - n` was seen.
    window: u64,
    base: u64,
    /// Expected in runs before the present one.
    before: u64,
    stray: Option<u16>,
}

impl Numbers {
    /// The state after the first packet.
    pub fn new(first: u16) -> Self {
        let base = (1 << 16) + u64::from(first);
        Self { highest: base, window: 1, base, before: 0, stray: None }
    }

    /// Numbers between the first and the highest, both included, over all runs.
    pub fn expected(&self) -> u64 {
        self.before + (self.highest - self.base + 1)
    }

    /// Extended first number of the present run.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Extended highest number.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The numbers began anew at least once.
    pub fn has_restarted(&self) -> bool {
        self.before > 0
    }

    /// The number after the highest; `None` while a jump is in doubt.
    pub fn next(&self) -> Option<u16> {
        self.stray.is_none().then_some((self.highest as u16).wrapping_add(1))
    }

    /// The next `n` numbers came, one after the other.
    pub fn advance(&mut self, n: u64) {
        self.highest += n;
        self.window = match u32::try_from(n).ok().and_then(|n| self.window.checked_shl(n)) {
            Some(before) => before | ((1 << n) - 1),
            None => u64::MAX,
        };
    }

    /// Whether `sequence` is ahead of all numbers, and no more than a loss away.
    pub fn is_followed_by(&self, sequence: u16) -> bool {
        (1..MAX_DROPOUT).contains(&sequence.wrapping_sub(self.highest as u16))
    }

    /// Places the next packet, and opens or fills gaps.
    #[inline]
    pub fn place(&mut self, sequence: u16, at: Timestamp, gaps: &mut Gaps) -> Place {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead == 1 {
            self.window = self.window << 1 | 1;
            self.highest += 1;
            self.stray = None;
            return Place::Next;
        }
        self.place_elsewhere(sequence, ahead, at, gaps)
    }

    fn place_elsewhere(&mut self, sequence: u16, ahead: u16, at: Timestamp, gaps: &mut Gaps) -> Place {
        if ahead == 0 {
            return Place::Repeat;
        }
        if ahead < MAX_DROPOUT {
            gaps.open(self.highest + 1, u64::from(ahead) - 1, at);
            self.window = self.window.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.highest += u64::from(ahead);
            self.stray = None;
            return Place::Next;
        }
        let behind = ahead.wrapping_neg();
        if behind <= MAX_MISORDER { self.place_behind(behind, at, gaps) } else { self.place_stray(sequence, at, gaps) }
    }

    fn place_behind(&mut self, behind: u16, at: Timestamp, gaps: &mut Gaps) -> Place {
        let bit = 1u64.checked_shl(u32::from(behind)).unwrap_or(0);
        if self.window & bit != 0 {
            return Place::Repeat;
        }
        let number = self.highest - u64::from(behind);
        if number < self.base {
            gaps.open(number + 1, self.base - number - 1, at);
            self.base = number;
        } else if !gaps.fill(number) {
            return Place::Repeat;
        }
        self.window |= bit;
        Place::Late
    }

    fn place_stray(&mut self, sequence: u16, at: Timestamp, gaps: &mut Gaps) -> Place {
        let Some(stray) = self.stray.replace(sequence) else { return Place::Stray };
        let step = sequence.wrapping_sub(stray);
        if step == 0 {
            return Place::Repeat;
        }
        if step > MAX_STEP {
            return Place::Stray;
        }
        self.before = self.expected();
        // Two cycles up, so that the new run has room before its first number.
        self.base = (((self.highest >> 16) + 2) << 16) + u64::from(stray);
        self.highest = self.base + u64::from(step);
        self.window = 1 | 1u64.checked_shl(u32::from(step)).unwrap_or(0);
        self.stray = None;
        gaps.open(self.base + 1, u64::from(step) - 1, at);
        Place::Restart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(sequences: &[u16]) -> (Vec<Place>, Numbers, Gaps) {
        let (mut numbers, mut gaps) = (Numbers::new(sequences[0]), Gaps::default());
        let places = sequences[1..].iter().map(|s| numbers.place(*s, Timestamp(0), &mut gaps)).collect();
        (places, numbers, gaps)
    }

    #[test]
    fn numbers_wrap() {
        let (got, numbers, gaps) = places(&[65_534, 65_535, 0, 2]);
        assert_eq!((got, numbers.expected()), (vec![Place::Next; 3], 5));
        assert_eq!(gaps.list()[0].count, 1);
    }

    #[test]
    fn late_packet_fills_its_gap_once() {
        let (got, numbers, gaps) = places(&[10, 12, 11, 11, 12]);
        assert_eq!(got, [Place::Next, Place::Late, Place::Repeat, Place::Repeat]);
        assert_eq!((numbers.expected(), gaps.list().len()), (3, 0));
    }

    #[test]
    fn packet_before_the_first_moves_the_base_back() {
        let (got, numbers, gaps) = places(&[3, 65_534, 65_535]);
        assert_eq!((got, numbers.expected()), (vec![Place::Late, Place::Late], 6));
        assert_eq!(gaps.list()[0].count, 3);
    }

    #[test]
    fn packet_older_than_the_window_is_a_repeat_unless_it_was_missing() {
        let mut sequences: Vec<u16> = (0..=100).filter(|s| *s != 20).collect();
        sequences.extend([20, 21, 20]);
        let (got, numbers, _) = places(&sequences);
        assert_eq!((&got[got.len() - 3..], numbers.expected()), (&[Place::Late, Place::Repeat, Place::Repeat][..], 101));
    }

    #[test]
    fn jump_restarts_with_the_second_packet() {
        let (got, numbers, gaps) = places(&[1, 2, 40_000, 40_000, 40_002, 40_001, 40_003]);
        assert_eq!(got, [Place::Next, Place::Stray, Place::Repeat, Place::Restart, Place::Late, Place::Next]);
        assert_eq!((numbers.expected(), gaps.list().len()), (6, 0));
    }

    #[test]
    fn lone_stray_is_not_expected() {
        let (got, numbers, _) = places(&[1, 2, 40_000, 3, 40_001, 4]);
        assert_eq!(got, [Place::Next, Place::Stray, Place::Next, Place::Stray, Place::Next]);
        assert_eq!(numbers.expected(), 4);
    }

    #[test]
    fn received_never_exceeds_expected() {
        let mut state = 1u32;
        for _ in 0..50 {
            let (mut numbers, mut gaps, mut received) = (Numbers::new(5), Gaps::default(), 1u64);
            for _ in 0..5_000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let base = if state & 0xf00 == 0 { state >> 12 } else { numbers.highest() as u32 };
                let step = (state >> 24) as u16 % 130;
                let sequence = (base as u16).wrapping_add(step).wrapping_sub(90);
                received += match numbers.place(sequence, Timestamp(0), &mut gaps) {
                    Place::Next | Place::Late => 1,
                    Place::Restart => 2,
                    Place::Repeat | Place::Stray => 0,
                };
                let missing = gaps.list().iter().map(|g| g.count).sum::<u64>() + gaps.beyond();
                assert_eq!(numbers.expected(), received + missing);
            }
        }
    }
}
