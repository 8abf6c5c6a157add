//! The one way record walkers take bytes: blocks, joined where a record straddles two.

use super::Block;
use super::magic::Compression;
use super::mmap::Mapped;
use super::piece::{Chunk, Piece, Pool, read_chunk};
use super::unpack::{Reader, Told};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};

/// An input's bytes, block by block. Bytes before the current block are gone, unless a window still holds them.
pub struct Blocks {
    current: Block,
    base: u64,
    feed: Feed,
    told: Arc<Told>,
    mapped: Option<Arc<Mapped>>,
}

enum Feed {
    /// The current block is the last.
    Ended,
    /// Blocks come from a thread that reads ahead.
    Ahead(Receiver<Chunk>),
    /// Blocks of this size are read when they are asked for.
    Inline(Reader, usize, Arc<Pool>),
}

impl Blocks {
    /// All bytes in one block.
    pub fn whole(block: Block) -> Self {
        Self { current: block, base: 0, feed: Feed::Ended, told: Arc::default(), mapped: None }
    }

    /// Blocks from a thread that reads ahead.
    pub(super) fn ahead(chunks: Receiver<Chunk>, told: Arc<Told>) -> Self {
        Self { current: Arc::new(Piece::default()), base: 0, feed: Feed::Ahead(chunks), told, mapped: None }
    }

    /// Blocks of `size` bytes, read when needed.
    pub(super) fn inline(reader: Reader, size: usize, told: Arc<Told>) -> Self {
        let feed = Feed::Inline(reader, size, Arc::default());
        Self { current: Arc::new(Piece::default()), base: 0, feed, told, mapped: None }
    }

    /// The same bytes are in `mapped`, where they stay.
    pub(super) fn that_stay_in(self, mapped: Option<Arc<Mapped>>) -> Self {
        Self { mapped, ..self }
    }

    /// The block at hand.
    pub fn current(&self) -> &Block {
        &self.current
    }

    /// Offset of the block's first byte in the uncompressed input.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Compression met on the way, once the first block has come.
    pub fn compression(&self) -> Option<Compression> {
        self.told.compression.get().copied()
    }

    /// Bytes of the file or pipe that were taken when the walk stands at `pos` of the current block.
    pub fn consumed(&self, pos: usize) -> u64 {
        let counted = self.told.read.load(Ordering::Relaxed);
        if counted > 0 { counted } else { self.base + pos as u64 }
    }

    /// Why reading ended before the end of the input, once the last block has come.
    pub fn fault(&self) -> Option<String> {
        self.told.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes `need` bytes from `pos` of the current block on lie in one block and returns where they begin in it. Fewer are
    /// there only at the end of the input. Each byte is moved a bounded number of times as long as `need` is a whole record.
    pub fn join(&mut self, pos: usize, need: usize) -> usize {
        let current = Arc::clone(&self.current);
        let bytes: &[u8] = (*current).as_ref();
        let tail = bytes.get(pos..).unwrap_or_default();
        if tail.len() >= need {
            return pos;
        }
        let Some(mut piece) = self.next() else { return pos };
        if !piece.carry(tail) {
            let mut joined = Vec::with_capacity(need.max(tail.len()));
            joined.extend_from_slice(tail);
            joined.extend_from_slice(piece.as_ref());
            piece = Piece::new(joined);
        }
        if piece.as_ref().len() < need {
            piece = self.gather(piece, need);
        }
        self.base += (bytes.len() - tail.len()) as u64;
        piece.stays(self.mapped.as_ref(), self.base);
        self.current = Arc::new(piece);
        0
    }

    /// Where the walk stands `len` bytes behind `pos` of the current block, in the block where that lies or at the end of the last.
    pub fn pass(&mut self, pos: usize, len: usize) -> usize {
        let mut at = pos.saturating_add(len);
        loop {
            let have = (*self.current).as_ref().len();
            if at <= have {
                return at;
            }
            let Some(piece) = self.next() else { return have };
            self.base += have as u64;
            at -= have;
            self.current = Arc::new(piece);
        }
    }

    /// Appends blocks to `piece` until it holds `need` bytes or the input ends.
    fn gather(&mut self, piece: Piece, need: usize) -> Piece {
        let mut joined = Vec::with_capacity(need);
        joined.extend_from_slice(piece.as_ref());
        while joined.len() < need {
            let Some(next) = self.next() else { break };
            joined.extend_from_slice(next.as_ref());
        }
        Piece::new(joined)
    }

    fn next(&mut self) -> Option<Piece> {
        let chunk = match &mut self.feed {
            Feed::Ended => return None,
            Feed::Inline(reader, size, pool) => read_chunk(reader, *size, pool, &self.told),
            Feed::Ahead(chunks) => chunks.recv().unwrap_or_else(|_| self.lost()),
        };
        if chunk.last {
            self.feed = Feed::Ended;
        }
        Some(chunk.piece)
    }

    /// The reading thread is gone without a last block: that is no end of the input.
    fn lost(&self) -> Chunk {
        self.told.fail(&std::io::Error::other("the reader stopped"));
        Chunk { piece: Piece::default(), last: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(bytes: &[u8], size: usize) -> Blocks {
        Blocks::inline(Box::new(std::io::Cursor::new(bytes.to_vec())), size, Arc::default())
    }

    #[test]
    fn what_straddles_blocks_is_joined_at_any_block_size() {
        let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        for size in [1, 2, 7, 64, 333, 4_096, 10_000] {
            let mut blocks = inline(&bytes, size);
            let (mut pos, mut at) = (0, 0);
            for need in [1, 16, 900, 3, 64, 1_700, 5].into_iter().cycle() {
                pos = blocks.join(pos, need);
                let data: &[u8] = (**blocks.current()).as_ref();
                assert_eq!(blocks.base() + pos as u64, at as u64);
                let Some(got) = data.get(pos..pos + need) else {
                    assert_eq!(data[pos..], bytes[at..]);
                    break;
                };
                assert_eq!(got, &bytes[at..at + need]);
                (pos, at) = (pos + need, at + need);
            }
        }
    }

    #[test]
    fn a_large_record_moves_its_bytes_a_bounded_number_of_times() {
        let mut blocks = inline(&vec![7; 1 << 20], 64);
        let pos = blocks.join(0, 1 << 20);
        let data: &[u8] = (**blocks.current()).as_ref();
        assert_eq!((pos, data.len()), (0, 1 << 20));
    }

    #[test]
    fn a_reader_that_dies_is_a_fault_and_no_end() {
        let (sender, chunks) = std::sync::mpsc::sync_channel(1);
        drop(sender);
        let mut blocks = Blocks::ahead(chunks, Arc::default());
        assert_eq!(blocks.join(0, 4), 0);
        assert!(blocks.fault().is_some());
    }
}
