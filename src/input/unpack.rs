//! From raw bytes to capture bytes: recognises a compression by magic and unpacks it on the way, never to disk.

use super::gzip::Members;
use super::lz4::Frames;
use super::magic::{Compression, MAGIC_LEN};
use super::xz::Streams;
use std::io::{BufReader, Error, ErrorKind, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes asked of the system at a time below a decoder.
const PACKED_BUFFER: usize = 256 << 10;

/// A reader that can go to a thread of its own.
pub type Reader = Box<dyn Read + Send>;

/// What the reading side tells the walking side.
#[derive(Debug, Default)]
pub struct Told {
    /// Bytes taken from the file or pipe so far, compressed where it is compressed.
    pub read: AtomicU64,
    /// Set once the first bytes have been seen, when they are compressed.
    pub compression: OnceLock<Compression>,
    /// Why reading ended before the end, in words for the user.
    pub fault: Mutex<Option<String>>,
}

impl Told {
    /// Keeps why reading ended early.
    pub fn fail(&self, error: &Error) {
        let text = describe(error, self.compression.get().copied());
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

/// The capture bytes of `raw`. Fails when the first bytes cannot be read or the compression is one that is not unpacked here.
pub fn unpack(raw: Reader, told: &Arc<Told>) -> std::io::Result<Reader> {
    let mut raw = Counted { raw, told: Arc::clone(told) };
    let mut first = Vec::with_capacity(MAGIC_LEN);
    raw.by_ref().take(MAGIC_LEN as u64).read_to_end(&mut first)?;
    let compression = Compression::of(&first);
    let whole = std::io::Cursor::new(first).chain(raw);
    let Some(compression) = compression else { return Ok(Box::new(whole)) };
    told.compression.get_or_init(|| compression);
    let packed = BufReader::with_capacity(PACKED_BUFFER, whole);
    match compression {
        Compression::Gzip => Ok(Box::new(Members::new(packed))),
        #[cfg(feature = "zstd")]
        Compression::Zstd => Ok(Box::new(zstd::stream::read::Decoder::with_buffer(packed)?)),
        Compression::Lz4 => Ok(Box::new(Frames::new(packed))),
        Compression::Xz => Ok(Box::new(Streams::new(packed))),
        unread => Err(Error::new(ErrorKind::Unsupported, unread.refusal())),
    }
}

/// An error of reading in words for the user.
fn describe(error: &Error, compression: Option<Compression>) -> String {
    let name = compression.map_or("", Compression::name);
    match (error.kind(), compression) {
        (ErrorKind::Unsupported, _) => error.to_string(),
        (_, None) => format!("cannot read on: {error}"),
        (ErrorKind::UnexpectedEof, _) => format!("the {name} stream ends early: all before was read, copy the file again"),
        _ => format!("the {name} stream is damaged ({error}): all before was read, copy the file again or test it with `{name} -t`"),
    }
}

/// Counts what is taken from the file, for the progress bar.
struct Counted {
    raw: Reader,
    told: Arc<Told>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.raw.read(out)?;
        self.told.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
