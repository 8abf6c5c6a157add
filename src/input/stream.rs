//! Pipes, standard input and compressed files: read ahead, block by block, on a thread of their own.

use super::Spawn;
use super::unpack::{Reader, Told, unpack};
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Blocks that wait to be walked; more would only cost memory.
const AHEAD: usize = 3;

/// Bytes read at one time, with room in front where the tail of the block before fits.
pub struct Piece {
    bytes: Vec<u8>,
    start: usize,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

impl Piece {
    /// A piece that holds `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, start: 0 }
    }

    /// Puts `tail` in front; gives it back as `false` when there is no room for it.
    pub fn carry(&mut self, tail: &[u8]) -> bool {
        let Some(start) = self.start.checked_sub(tail.len()) else { return false };
        let Some(room) = self.bytes.get_mut(start..self.start) else { return false };
        room.copy_from_slice(tail);
        self.start = start;
        true
    }
}

/// One block of a stream.
pub struct Chunk {
    /// Its bytes; the last block may be empty.
    pub piece: Piece,
    /// Nothing follows: the end, or a fault that [`Told`] names.
    pub last: bool,
}

/// Reads the next block of `size` bytes. A fault ends the stream after the bytes that were read before it.
pub fn read_chunk(reader: &mut Reader, size: usize, told: &Told) -> Chunk {
    let room = size / 16;
    let mut bytes = Vec::with_capacity(room + size);
    bytes.resize(room, 0);
    let outcome = reader.by_ref().take(size as u64).read_to_end(&mut bytes);
    if let Err(error) = &outcome {
        told.fail(error);
    }
    let last = outcome.map_or(true, |n| n < size);
    Chunk { piece: Piece { bytes, start: room }, last }
}

/// Opens and unpacks a stream on a thread of its own, which reads a few blocks ahead and ends when nobody takes them any more.
pub fn read_ahead<F>(spawn: Spawn, open: F, size: usize, told: Arc<Told>) -> Receiver<Chunk>
where
    F: FnOnce() -> std::io::Result<Reader> + Send + 'static,
{
    let (blocks, taken) = sync_channel(AHEAD);
    spawn(Box::new(move || {
        let mut reader = match open().and_then(|raw| unpack(raw, &told)) {
            Ok(reader) => reader,
            Err(error) => {
                told.fail(&error);
                Box::new(std::io::empty())
            }
        };
        loop {
            let chunk = read_chunk(&mut reader, size, &told);
            let last = chunk.last;
            if blocks.send(chunk).is_err() || last {
                return;
            }
        }
    }));
    taken
}
