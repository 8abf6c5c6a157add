//! Losses of a pass in windows of time.

use crate::flow::gaps::Gap;
use crate::time::{Span, Timestamp};

/// A window and what was lost in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// When its last loss was noticed.
    pub at: Timestamp,
    /// Packets lost.
    pub lost: u64,
    /// Packets sent.
    pub sent: u64,
}

/// The windows of `length` that end in a loss, in order; `sent` packets are sent in one.
pub(super) fn windows(gaps: &[Gap], length: Span, sent: u64) -> Vec<Window> {
    let (mut first, mut lost) = (0, 0);
    let mut windows = Vec::with_capacity(gaps.len());
    for gap in gaps {
        lost += gap.count;
        while let Some(oldest) = gaps.get(first).filter(|oldest| gap.at - oldest.at > length) {
            lost -= oldest.count;
            first += 1;
        }
        let from = gaps.get(first).map_or(gap.first, |oldest| oldest.first);
        // Where a loss is longer than the window, all of it was sent.
        let spanned = (gap.first + gap.count).saturating_sub(from);
        windows.push(Window { at: gap.at, lost, sent: sent.max(spanned) });
    }
    windows
}

impl Window {
    /// More than one in `part` was lost.
    pub fn exceeds(&self, part: u64) -> bool {
        self.lost.saturating_mul(part) > self.sent
    }

    /// Hundredths of a percent.
    pub fn share(&self) -> u64 {
        self.lost * 10_000 / self.sent.max(1)
    }
}

/// `1.33 %`.
pub(super) fn percent(hundredths: u64) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(first: u64, count: u64, ms: i64) -> Gap {
        Gap { first, count, at: Timestamp(ms * 1_000_000) }
    }

    #[test]
    fn a_window_holds_losses_that_lie_close() {
        let gaps = [gap(10, 1, 200), gap(400, 2, 8_000), gap(900, 4, 18_000)];
        let found = windows(&gaps, Span::secs(15), 750);
        let figures: Vec<(u64, u64)> = found.iter().map(|window| (window.lost, window.sent)).collect();
        assert_eq!(figures, [(1, 750), (3, 750), (6, 750)]);
        assert!(!found[2].exceeds(100));
    }

    #[test]
    fn a_loss_longer_than_the_window_is_all_of_it() {
        let found = windows(&[gap(100, 2_000, 40_000)], Span::secs(15), 750);
        assert_eq!((found[0].lost, found[0].sent, found[0].share()), (2_000, 2_000, 10_000));
    }
}
