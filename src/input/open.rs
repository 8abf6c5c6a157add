//! Opens what [`discover`](super::discover()) found: plain files are read piece by piece, streams ahead on a thread.

use super::blocks::Blocks;
use super::discover::{Found, Origin};
use super::magic::Compression;
use super::mmap::{Whole, map};
use super::stream::read_ahead;
use super::unpack::{Reader, Told, unpack};
use super::{Block, Spawn};
use crate::error::Problem;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes read to see the first record of a file.
const GLANCE: usize = 16 << 10;
/// Fewest bytes read at a time of a file that may grow.
const SHORTEST: usize = 64 << 10;
/// Places of a file that are looked at for SIP, bytes there, and how far apart it is on every page.
const SAMPLES: usize = 8;
const SAMPLE: usize = 64 << 10;
const PAGE: usize = 4 << 10;
/// Long files that are read at a time, each with a buffer and a file descriptor; what more there are is mapped.
const OPEN: usize = 16;

/// Opens an input to walk all of it. Streams are opened on their thread, so that two pipes of one writer cannot lock each
/// other; why they cannot be read is then [`Blocks::fault`].
pub fn open(found: &Found, spawn: Spawn, block_size: usize) -> Result<Blocks, Problem> {
    let told = Arc::<Told>::default();
    let chunks = match &found.origin {
        Origin::Unreadable(problem) => return Err(problem.clone()),
        Origin::Stdin => read_ahead(spawn, || Ok(Box::new(std::io::stdin())), block_size, Arc::clone(&told)),
        Origin::Pipe(path) => read_file(path, spawn, block_size, &told),
        Origin::File { path, compression: None, .. } => return plain(path, block_size, told),
        Origin::File { path, .. } => read_file(path, spawn, block_size, &told),
    };
    Ok(Blocks::ahead(chunks, told))
}

/// Opens a file that is not compressed.
fn plain(path: &Path, block_size: usize, told: Arc<Told>) -> Result<Blocks, Problem> {
    let file = File::open(path).map_err(|error| cannot_open(&error))?;
    let mapped = map(&file).map(Arc::new);
    let walked = mapped.as_ref().is_some_and(|mapped| is_dense((**mapped).as_ref()));
    match (if walked { None } else { Turn::take() }, mapped) {
        (None, Some(mapped)) => Ok(Blocks::whole(Arc::new(Whole(mapped)) as Block)),
        (turn, mapped) => {
            // One byte more sees the end of a short file in the same read.
            let len = file.metadata().map_or(0, |about| about.len()).saturating_add(1);
            let size = usize::try_from(len).unwrap_or(block_size).max(SHORTEST).min(block_size);
            Ok(Blocks::inline(Box::new(Plain { file, _turn: turn }), size, told).that_stay_in(mapped))
        }
    }
}

/// A few samples of the file show SIP on nearly every page: all of them will be looked at again in the mapping, which then is no dearer
/// than reading, and saves that.
fn is_dense(bytes: &[u8]) -> bool {
    let samples = (1..=SAMPLES).filter_map(|n| bytes.get(bytes.len() / (SAMPLES + 1) * n..)?.get(..SAMPLE));
    let found: usize = samples.map(|sample| memchr::memmem::find_iter(sample, b"SIP/2.0").count()).sum();
    found >= SAMPLES * SAMPLE / PAGE
}

/// One of the [`OPEN`] files that are read at a time.
struct Turn;

/// Files read now.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

impl Turn {
    fn take() -> Option<Turn> {
        TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| (taken < OPEN).then_some(taken + 1)).is_ok().then_some(Turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A file while it is read.
struct Plain {
    file: File,
    _turn: Option<Turn>,
}

impl Read for Plain {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(out)
    }
}

fn read_file(path: &Path, spawn: Spawn, block_size: usize, told: &Arc<Told>) -> std::sync::mpsc::Receiver<super::piece::Chunk> {
    let path = path.to_owned();
    read_ahead(spawn, move || Ok(Box::new(File::open(path)?)), block_size, Arc::clone(told))
}

/// Opens a file to look at its beginning, without a thread. Dropping the blocks closes it.
pub fn glance(path: &Path) -> Result<Blocks, Problem> {
    let told = Arc::<Told>::default();
    let reader = File::open(path).and_then(|file| unpack(Box::new(file) as Reader, &told)).map_err(|error| cannot_open(&error))?;
    Ok(Blocks::inline(reader, GLANCE, told))
}

/// The first `len` capture bytes of a file, and the compression around them. Fails where the file cannot be read at all;
/// bytes that do not unpack are no bytes.
pub fn first_bytes(path: &Path, len: usize) -> std::io::Result<(Vec<u8>, Option<Compression>)> {
    let told = Arc::<Told>::default();
    let mut first = Vec::with_capacity(len);
    let file: Reader = Box::new(File::open(path)?);
    let outcome = unpack(file, &told).and_then(|reader| reader.take(len as u64).read_to_end(&mut first));
    match (outcome, told.compression.get()) {
        (Err(error), None) => Err(error),
        (_, compression) => Ok((first, compression.copied())),
    }
}

/// The problem of a file that does not open.
pub fn cannot_open(error: &std::io::Error) -> Problem {
    let text = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory: check the name".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied: make it readable for this user".to_owned(),
        _ => format!("cannot open: {error}"),
    };
    Problem { offset: 0, text }
}
