//! Smallest, mean and largest of whole numbers: what is kept of figures that others report.

use serde::{Deserialize, Serialize};

/// Sums over whole numbers of one unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    n: u64,
    sum: i64,
    min: i64,
    max: i64,
}

impl Figures {
    /// Takes in one number. The sum saturates.
    pub fn add(&mut self, value: i64) {
        self.join(&Figures { n: 1, sum: value, min: value, max: value });
    }

    /// Takes in what others summed up.
    pub fn join(&mut self, other: &Figures) {
        if other.n == 0 {
            return;
        }
        let first = self.n == 0;
        self.min = if first { other.min } else { self.min.min(other.min) };
        self.max = if first { other.max } else { self.max.max(other.max) };
        self.sum = self.sum.saturating_add(other.sum);
        self.n += other.n;
    }

    /// How many numbers there were.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// The smallest; `None` without any.
    pub fn min(&self) -> Option<i64> {
        (self.n > 0).then_some(self.min)
    }

    /// The largest; `None` without any.
    pub fn max(&self) -> Option<i64> {
        (self.n > 0).then_some(self.max)
    }

    /// Sum and count, whose ratio is the mean; `None` without any.
    pub fn mean(&self) -> Option<(i64, u64)> {
        (self.n > 0).then_some((self.sum, self.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_as_if_taken_in_one_by_one() {
        let of = |values: &[i64]| {
            let mut figures = Figures::default();
            values.iter().for_each(|value| figures.add(*value));
            figures
        };
        let mut joined = of(&[]);
        [of(&[7]), of(&[]), of(&[-3, 5])].iter().for_each(|part| joined.join(part));
        assert_eq!((joined, joined.mean()), (of(&[7, -3, 5]), Some((9, 3))));
        assert_eq!((joined.min(), joined.max(), of(&[]).max()), (Some(-3), Some(7), None));
    }
}
