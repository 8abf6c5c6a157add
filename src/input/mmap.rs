//! Plain files, mapped: their records are read where they lie. Holds one of the two `unsafe` of the project.

use memmap2::Mmap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file modified within this time may still change; a mapping that shrinks would kill the process.
const SETTLED: Duration = Duration::from_secs(60);

/// A whole file in memory. The file itself is closed again: thousands of mappings take no file descriptor.
pub struct Mapped(Mmap);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Maps `path`, or `None` where it must be read instead: it is no regular file, empty, may still be written to, or the system
/// refuses the mapping.
pub fn map(path: &Path) -> std::io::Result<Option<Mapped>> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.len() == 0 || !is_settled(about.modified().ok()) {
        return Ok(None);
    }
    #[expect(
        unsafe_code,
        reason = "mapping a file is unsafe where others may cut it short; files touched in the last minute are read instead"
    )]
    let mapped = unsafe { Mmap::map(&file) };
    let Ok(mapped) = mapped else { return Ok(None) };
    #[cfg(unix)]
    // Read-ahead for cold files; a kernel that does not know the advice reads all the same.
    let _ = mapped.advise(memmap2::Advice::Sequential);
    Ok(Some(Mapped(mapped)))
}

fn is_settled(modified: Option<SystemTime>) -> bool {
    modified.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|age| age >= SETTLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_written_this_minute_is_not_mapped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"bytes").unwrap();
        assert!(map(file.path()).unwrap().is_none());
        file.as_file().set_modified(SystemTime::now() - 2 * SETTLED).unwrap();
        assert_eq!(map(file.path()).unwrap().unwrap().as_ref(), b"bytes");
        file.as_file().set_modified(SystemTime::now() + 2 * SETTLED).unwrap();
        assert!(map(file.path()).unwrap().is_none());
    }

    #[test]
    fn an_empty_file_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_modified(SystemTime::now() - 2 * SETTLED).unwrap();
        assert!(map(file.path()).unwrap().is_none());
    }
}
