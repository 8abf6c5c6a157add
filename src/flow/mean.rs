//! A running mean over the packets of a stream, in integer nanoseconds, as `tshark -z rtp,streams` takes it.

use serde::{Deserialize, Serialize};

/// Sum and count. Packets that tshark leaves out of its means (marker, comfort noise and the one after) still move its divisor, which
/// is the same as letting the mean so far stand in for them; so do we, to print the same figures. Before the first value nothing stands
/// in: there tshark lets zero count, and gives means below its own minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mean {
    sum: i64,
    n: i64,
}

impl Mean {
    /// Takes a value in.
    #[inline]
    pub fn add(&mut self, value: i64) {
        self.sum = self.sum.saturating_add(value);
        self.n += 1;
    }

    /// Lets the mean so far stand in for a value that is left out.
    #[inline]
    pub fn skip(&mut self) {
        if let Some(mean) = self.get() {
            self.add(mean);
        }
    }

    /// The mean; `None` before the first value.
    pub fn get(&self) -> Option<i64> {
        self.sum.checked_div(self.n)
    }

    /// No value yet; cheaper to ask than [`Mean::get`].
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Takes in `n` values by their sum.
    pub fn take_in(&mut self, sum: i64, n: u64) {
        self.sum = self.sum.saturating_add(sum);
        self.n += n as i64;
    }

    /// Takes in what another pass of the same stream summed up.
    pub fn join(&mut self, other: &Mean) {
        self.sum = self.sum.saturating_add(other.sum);
        self.n += other.n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_left_out_is_the_mean_so_far() {
        let mut mean = Mean::default();
        mean.skip();
        assert_eq!(mean.get(), None);
        mean.add(10);
        mean.add(20);
        mean.skip();
        assert_eq!(mean.get(), Some(15));
        mean.add(35);
        assert_eq!(mean.get(), Some(20));
    }
}
