//! Plain files, mapped: where text of messages stays, for its readers to come. Holds one of the two `unsafe` of the project.
//!
//! Records are not walked in the mapping, but in pieces that are read: to copy a file from the system's cache into memory that is used
//! again takes less than the page faults of a mapping, and less than its end (`piece.rs`). Only where a file is full of SIP, so that
//! the mapping is looked at anyway, and where many files are open at once, records are walked where they lie.

use super::Bytes;
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A file modified within this time may still change; a mapping that shrinks would kill the process.
const SETTLED: Duration = Duration::from_secs(60);

/// A file shorter than this is not worth a mapping: what stays of it is copied.
const LASTS: u64 = 4 << 20;

/// A whole file in memory. The file itself may be closed: thousands of mappings take no file descriptor.
pub struct Mapped(Mmap);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A mapped file as one block.
pub struct Whole(pub Arc<Mapped>);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl Bytes for Whole {
    fn mapped(&self) -> Option<(&Arc<Mapped>, u64)> {
        Some((&self.0, 0))
    }
}

/// Maps a file, or `None` where it must be read instead: it is no regular file, short, may still be written to, or the system refuses
/// the mapping.
pub fn map(file: &File) -> Option<Mapped> {
    let about = file.metadata().ok()?;
    if !about.is_file() || about.len() < LASTS || !is_settled(about.modified().ok()) {
        return None;
    }
    mapping(file, &MmapOptions::new()).ok()
}

/// Maps `len` bytes at `offset` of a temporary file, which has no name and so no other writer than its owner.
pub fn map_own(file: &File, offset: u64, len: usize) -> io::Result<Mapped> {
    mapping(file, MmapOptions::new().offset(offset).len(len))
}

fn mapping(file: &File, options: &MmapOptions) -> io::Result<Mapped> {
    #[expect(
        unsafe_code,
        reason = "mapping a file is unsafe where others may cut it short; files touched in the last minute are read instead, and \
                  temporary ones have no name"
    )]
    unsafe { options.map(file) }.map(Mapped)
}

fn is_settled(modified: Option<SystemTime>) -> bool {
    modified.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|age| age >= SETTLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_written_this_minute_is_not_mapped() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(LASTS).unwrap();
        assert!(map(&file).is_none());
        file.set_modified(SystemTime::now() - 2 * SETTLED).unwrap();
        assert_eq!(map(&file).unwrap().as_ref().len() as u64, LASTS);
        file.set_modified(SystemTime::now() + 2 * SETTLED).unwrap();
        assert!(map(&file).is_none());
    }

    #[test]
    fn a_short_file_is_read() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(LASTS - 1).unwrap();
        file.set_modified(SystemTime::now() - 2 * SETTLED).unwrap();
        assert!(map(&file).is_none());
    }
}
