//! Pipes, standard input and compressed files: read ahead, block by block, on a thread of their own.

use super::Spawn;
use super::piece::{Chunk, Pool, read_chunk};
use super::unpack::{Reader, Told, unpack};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Blocks that wait to be walked; more would only cost memory.
const AHEAD: usize = 3;

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
        let pool = Arc::<Pool>::default();
        loop {
            let chunk = read_chunk(&mut reader, size, &pool, &told);
            let last = chunk.last;
            if blocks.send(chunk).is_err() || last {
                return;
            }
        }
    }));
    taken
}
