//! Pieces of an input: bytes read into memory that is used again once nobody holds the piece.

use super::Bytes;
use super::mmap::Mapped;
use super::unpack::{Reader, Told};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that wait to be used again; more are given back to the system.
const KEPT: usize = 8;

/// Buffers of one length. What a reader fills soon after somebody else read it is still in a cache of the processor, and costs no new
/// pages: reading a file this way takes less than mapping it.
#[derive(Debug, Default)]
pub struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    fn get(&self, len: usize) -> Vec<u8> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop().filter(|bytes| bytes.len() == len).unwrap_or_else(|| vec![0; len])
    }

    fn put(&self, bytes: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(bytes);
        }
    }
}

/// Bytes read at one time, with room in front where the tail of the piece before fits.
#[derive(Default)]
pub struct Piece {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    pool: Option<Arc<Pool>>,
    /// The same input, mapped, and where in it this piece begins.
    stays: Option<(Arc<Mapped>, u64)>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl Bytes for Piece {
    fn mapped(&self) -> Option<(&Arc<Mapped>, u64)> {
        self.stays.as_ref().map(|(mapped, base)| (mapped, *base))
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.put(std::mem::take(&mut self.bytes));
        }
    }
}

impl Piece {
    /// A piece that holds `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { start: 0, end: bytes.len(), bytes, pool: None, stays: None }
    }

    /// Puts `tail` in front; gives it back as `false` when there is no room for it.
    pub fn carry(&mut self, tail: &[u8]) -> bool {
        let Some(start) = self.start.checked_sub(tail.len()) else { return false };
        let Some(room) = self.bytes.get_mut(start..self.start) else { return false };
        room.copy_from_slice(tail);
        self.start = start;
        true
    }

    /// Says that its bytes are those of `mapped` from `base` on.
    pub fn stays(&mut self, mapped: Option<&Arc<Mapped>>, base: u64) {
        self.stays = mapped.map(|mapped| (Arc::clone(mapped), base));
    }
}

/// One piece of a stream.
#[derive(Default)]
pub struct Chunk {
    /// Its bytes; the last piece may be empty.
    pub piece: Piece,
    /// Nothing follows: the end, or a fault that [`Told`] names.
    pub last: bool,
}

/// Reads the next piece of `size` bytes. A fault ends the stream after the bytes that were read before it.
pub fn read_chunk(reader: &mut Reader, size: usize, pool: &Arc<Pool>, told: &Told) -> Chunk {
    let room = size / 16;
    let mut bytes = pool.get(room + size);
    let mut end = room;
    let mut last = false;
    while let Some(free) = bytes.get_mut(end..).filter(|free| !free.is_empty() && !last) {
        match reader.read(free) {
            Ok(0) => last = true,
            Ok(n) => end += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                told.fail(&error);
                last = true;
            }
        }
    }
    Chunk { piece: Piece { bytes, start: room, end, pool: Some(Arc::clone(pool)), stays: None }, last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_nobody_holds_lends_its_memory_to_the_next() {
        let (pool, told) = (Arc::default(), Told::default());
        let mut reader: Reader = Box::new(std::io::Cursor::new((0..100).collect::<Vec<u8>>()));
        let first = read_chunk(&mut reader, 40, &pool, &told);
        let second = read_chunk(&mut reader, 40, &pool, &told);
        assert_ne!(first.piece.bytes.as_ptr(), second.piece.bytes.as_ptr());
        let was = first.piece.bytes.as_ptr();
        assert!(!first.last && first.piece.as_ref() == (0..40).collect::<Vec<u8>>());
        drop(first);
        let third = read_chunk(&mut reader, 40, &pool, &told);
        assert_eq!(third.piece.bytes.as_ptr(), was);
        assert!(third.last && third.piece.as_ref() == (80..100).collect::<Vec<u8>>() && second.piece.as_ref().len() == 40);
    }
}
