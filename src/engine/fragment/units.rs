//! Which 8-byte units of a datagram have come: a bitmap, so that no order of fragments costs more than another.

use serde::{Deserialize, Serialize};

const BITS: u32 = u64::BITS;

/// Units of one datagram, from 0; as long as the highest that came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Units {
    words: Vec<u64>,
    n: u32,
    /// Words and runs visited so far: the measure of work.
    #[cfg(test)]
    pub steps: u64,
}

impl Units {
    /// Marks the units `from..to` and tells each run that was not marked before, in order. At most one step a word and a run.
    pub fn claim(&mut self, from: u32, to: u32, mut fresh: impl FnMut(u32, u32)) {
        if from >= to {
            return;
        }
        self.words.resize(self.words.len().max(to.div_ceil(BITS) as usize), 0);
        let mut run = (from, from);
        for (i, word) in (0u32..).zip(self.words.iter_mut()).take(to.div_ceil(BITS) as usize).skip((from / BITS) as usize) {
            let mask = mask(i, from, to);
            let mut new = mask & !*word;
            *word |= mask;
            self.n += new.count_ones();
            #[cfg(test)]
            (self.steps += 1);
            while new != 0 {
                let start = new.trailing_zeros();
                let end = start + (!(new >> start)).trailing_zeros();
                new &= !ones(end);
                let (a, b) = (i * BITS + start, i * BITS + end);
                if a != run.1 {
                    tell(run, &mut fresh);
                    run.0 = a;
                }
                run.1 = b;
                #[cfg(test)]
                (self.steps += 1);
            }
        }
        tell(run, &mut fresh);
    }

    /// Whether a unit of `from..to` has not come.
    pub fn lacks(&self, from: u32, to: u32) -> bool {
        let words = (0u32..).zip(self.words.iter().copied().chain(std::iter::repeat(0)));
        words.take(to.div_ceil(BITS) as usize).skip((from / BITS) as usize).any(|(i, word)| mask(i, from, to) & !word != 0)
    }

    /// How many have come.
    pub fn n(&self) -> u32 {
        self.n
    }

    /// One past the highest that has come.
    pub fn end(&self) -> u32 {
        (0u32..).zip(&self.words).filter(|(_, word)| **word != 0).last().map_or(0, |(i, word)| (i + 1) * BITS - word.leading_zeros())
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }
}

fn tell((from, to): (u32, u32), fresh: &mut impl FnMut(u32, u32)) {
    if from < to {
        fresh(from, to);
    }
}

/// The units of `from..to` that lie in word `i`.
fn mask(i: u32, from: u32, to: u32) -> u64 {
    ones(to.saturating_sub(i * BITS)) & !ones(from.saturating_sub(i * BITS))
}

/// The lowest `n` bits.
fn ones(n: u32) -> u64 {
    1u64.checked_shl(n).map_or(u64::MAX, |bit| bit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(units: &mut Units, from: u32, to: u32) -> Vec<(u32, u32)> {
        let mut runs = Vec::new();
        units.claim(from, to, |a, b| runs.push((a, b)));
        runs
    }

    #[test]
    fn only_what_is_new_is_told_in_runs_across_words() {
        let mut units = Units::default();
        assert_eq!(claim(&mut units, 60, 70), [(60, 70)]);
        assert!(units.lacks(59, 61) && !units.lacks(60, 70) && units.lacks(60, 71) && !units.lacks(5, 5));
        assert_eq!(claim(&mut units, 0, 200), [(0, 60), (70, 200)]);
        assert_eq!(claim(&mut units, 64, 128), []);
        assert_eq!((units.n(), units.end()), (200, 200));
        assert_eq!(claim(&mut units, 9, 9), []);
    }

    #[test]
    fn whole_words_and_the_last_unit_are_marked() {
        let mut units = Units::default();
        assert_eq!((units.end(), claim(&mut units, 8191, 8192)), (0, vec![(8191, 8192)]));
        assert_eq!(claim(&mut units, 64, 128), [(64, 128)]);
        assert_eq!(claim(&mut units, 0, 8192), [(0, 64), (128, 8191)]);
        assert_eq!((units.n(), units.end(), units.lacks(0, 8192)), (8192, 8192, false));
    }
}
