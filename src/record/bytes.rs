//! Checked reads of capture headers, whose byte order the file decides.

/// Byte order of a file or section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Order {
    /// A 16-bit field.
    #[inline(always)]
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        if self == Order::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    /// A 32-bit field.
    #[inline(always)]
    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        if self == Order::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// A 64-bit field.
    #[inline(always)]
    pub fn u64(self, bytes: [u8; 8]) -> u64 {
        if self == Order::Big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }

    /// The 16-bit field at `at`, if it is there.
    pub fn u16_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        Some(self.u16(*bytes.get(at..)?.first_chunk()?))
    }

    /// The 32-bit field at `at`, if it is there.
    pub fn u32_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        Some(self.u32(*bytes.get(at..)?.first_chunk()?))
    }
}

/// How far ahead of the walk memory is touched, in bytes.
const AHEAD: usize = 4096;
/// Size of a cache line.
const LINE: usize = 64;
/// Headers that are scouted in one go; the first time in a pass fewer, as it may end after one record.
const SCOUT: usize = 64;
const SCOUT_FIRST: usize = 4;

/// Runs over the lengths of the headers to come before they are read in earnest. A header's address depends on the length before
/// it, so a walk waits for memory once a record; this loop is short enough for the processor to wait for several at a time.
pub struct Scout {
    left: usize,
    next: usize,
}

impl Scout {
    /// For one pass.
    pub fn new() -> Self {
        Self { left: 0, next: SCOUT_FIRST }
    }

    /// To be called at each header; `len` gives the distance to the next one, 0 where the walk may not go on.
    #[inline(always)]
    pub fn at(&mut self, data: &[u8], pos: usize, len: impl Fn(&[u8; 12]) -> usize) {
        if self.left == 0 {
            run(data, pos, self.next, len);
            (self.left, self.next) = (self.next, SCOUT);
        }
        self.left -= 1;
    }
}

#[inline(always)]
fn run(data: &[u8], mut pos: usize, headers: usize, len: impl Fn(&[u8; 12]) -> usize) {
    for _ in 0..headers {
        let Some(header) = data.get(pos..).and_then(|rest| rest.first_chunk()) else { return };
        if let (Some(near), Some(far)) = (data.get(pos + AHEAD), data.get(pos + AHEAD + LINE)) {
            std::hint::black_box(near ^ far);
        }
        let step = len(header);
        if step == 0 {
            return;
        }
        pos += step;
    }
}
