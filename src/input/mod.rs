//! Input: bytes from files, directories, globs, pipes and compressed files. Only this module, the report's sinks, `audit` and
//! `cli` do I/O.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::sync::Arc;

mod blocks;
mod discover;
mod filter;
mod gzip;
mod lz4;
mod magic;
mod mmap;
mod natural;
mod open;
mod piece;
mod stream;
mod unpack;
mod xz;

pub use blocks::Blocks;
pub use discover::{Discovery, Found, Origin, discover};
pub use filter::Filter;
pub use magic::{Compression, Format, not_a_capture};
pub use mmap::{Mapped, map_own};
pub use natural::skeleton;
pub use open::{cannot_open, glance, open};

/// Bytes of an input that records lie in.
pub trait Bytes: AsRef<[u8]> + Send + Sync {
    /// The whole input, mapped, and where in it these bytes begin. What is needed of them later is found there again, and is not kept.
    fn mapped(&self) -> Option<(&Arc<Mapped>, u64)>;
}

/// A block of input bytes: a piece that was read, or a mapped file.
pub type Block = Arc<dyn Bytes>;

#[cfg(test)]
impl Bytes for Vec<u8> {
    fn mapped(&self) -> Option<(&Arc<Mapped>, u64)> {
        None
    }
}

/// Runs a task on a thread of its own. `engine` gives it, because only `engine` starts threads.
pub type Spawn = fn(Box<dyn FnOnce() + Send + 'static>);

/// Bytes read at a time: enough that a window rarely has records of two pieces, few enough that they stay in the processor's cache
/// until they are decoded.
pub const BLOCK_SIZE: usize = 1 << 20;

/// Blocks of `size` bytes read from memory.
#[cfg(test)]
pub fn test_blocks(bytes: &[u8], size: usize) -> Blocks {
    Blocks::inline(Box::new(std::io::Cursor::new(bytes.to_vec())), size, Arc::default())
}

/// The same, from a reader that fails at the end.
#[cfg(test)]
pub fn test_broken_blocks(bytes: &[u8], size: usize) -> Blocks {
    struct Torn;
    impl std::io::Read for Torn {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("torn"))
        }
    }
    use std::io::Read;
    Blocks::inline(Box::new(std::io::Cursor::new(bytes.to_vec()).chain(Torn)), size, Arc::default())
}
