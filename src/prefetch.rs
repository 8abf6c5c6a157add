//! Memory asked for ahead of its use: the processor goes on while it comes. Changes nothing but the time that a run takes. Holds one
//! of the two `unsafe` of the project.

/// Size of a cache line, in bytes.
const LINE: usize = 64;

/// Asks for the line that holds `bytes[at]`; nothing where there is none.
#[inline(always)]
pub fn byte(bytes: &[u8], at: usize) {
    if let Some(byte) = bytes.get(at) {
        ask(byte);
    }
}

/// Asks for the first `lines` lines of `of`, or for as many as it has.
#[inline(always)]
pub fn lines<T: ?Sized>(of: &T, lines: usize) {
    for line in 0..lines.min(size_of_val(of).div_ceil(LINE)) {
        ask(std::ptr::from_ref(of).cast::<u8>().wrapping_add(line * LINE));
    }
}

#[inline(always)]
fn ask(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a prefetch is a hint: it reads nothing that is seen, and an address that cannot be read is ignored")]
    // SAFETY: SSE is part of every x86_64, and the instruction neither faults nor writes whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast::<i8>());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Goes ahead of a walk through `bytes`, asking for each line once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ahead {
    asked: usize,
}

impl Ahead {
    /// How far ahead, in bytes: what comes from memory in the time that some ten records take.
    const DISTANCE: usize = 2048;
    /// Lines asked for at a step at most: a long record is not read from end to end.
    const MOST: usize = 8;

    /// The walk stands at `at`.
    #[inline(always)]
    pub fn at(&mut self, bytes: &[u8], at: usize) {
        let end = at + Self::DISTANCE;
        self.asked = self.asked.max(end.saturating_sub(Self::MOST * LINE));
        while self.asked < end {
            byte(bytes, self.asked);
            self.asked += LINE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_nothing_beyond_the_end_and_stays_ahead() {
        let bytes = [0u8; 300];
        let mut ahead = Ahead::default();
        for at in [0, 10, 290, 4_000, usize::MAX / 2] {
            ahead.at(&bytes, at);
            assert!(ahead.asked >= at + Ahead::DISTANCE && ahead.asked < at + Ahead::DISTANCE + LINE);
        }
        byte(&bytes, 300);
        lines(&bytes, 100);
    }
}
