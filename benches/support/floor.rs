//! The floor under every reader of pcap: step from record header to record header and look at nothing else.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes in memory at a time: far more than any cache holds, far less than the machine.
const PIECE: usize = 256 << 20;
/// How far ahead of the record in hand memory is asked for, in bytes.
const AHEAD: usize = 2048;

/// Walks a little-endian pcap file piece by piece. Gives the number of records and the time of the walk alone: a piece is in
/// memory before its clock starts, so this is what the chain of record lengths costs with neither page faults nor copies.
pub fn walk(path: &Path) -> io::Result<(u64, Duration)> {
    let mut file = File::open(path)?;
    io::copy(&mut file.by_ref().take(24), &mut io::sink())?;
    let mut piece = Vec::with_capacity(PIECE);
    let (mut records, mut spent) = (0, Duration::ZERO);
    loop {
        let room = PIECE - piece.len();
        let read = file.by_ref().take(room as u64).read_to_end(&mut piece)?;
        let clock = Instant::now();
        let (n, used) = step_through(&piece);
        spent += clock.elapsed();
        records += n;
        if read == 0 || used == 0 {
            return Ok((records, spent));
        }
        piece.drain(..used);
    }
}

/// Counts the whole records at the front of `bytes`, and the bytes they take.
fn step_through(bytes: &[u8]) -> (u64, usize) {
    let (mut at, mut records) = (0, 0);
    while let Some(length) = bytes.get(at + 8..at + 12) {
        // Where the next record starts hangs on the length just read. Asking for the lines ahead early hides that wait.
        black_box((bytes.get(at + AHEAD), bytes.get(at + AHEAD + 64)));
        let length = length.iter().rev().fold(0, |word, &byte| word << 8 | usize::from(byte));
        let next = at + 16 + length;
        if next > bytes.len() {
            break;
        }
        at = next;
        records += 1;
    }
    (records, at)
}
