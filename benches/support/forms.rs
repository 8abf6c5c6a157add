//! A capture in other forms: pcapng, gzip, and its beginning alone.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Writes the records of a little-endian pcap of Ethernet in µs as enhanced packet blocks of one section and interface.
pub fn pcapng(from: &Path, to: &mut dyn Write) -> io::Result<()> {
    block(to, 0x0a0d_0d0a, &[0x1a2b_3c4d, 0x0000_0001, u32::MAX, u32::MAX], &[])?;
    block(to, 1, &[1, 262_144], &[])?;
    each(from, u64::MAX, |[seconds, micros, length, original], frame| {
        let at = u64::from(seconds) * 1_000_000 + u64::from(micros);
        block(to, 6, &[0, (at >> 32) as u32, at as u32, length, original], frame)
    })
}

/// Packs the file as `gzip -1` does.
pub fn gzip(from: &Path, to: &mut dyn Write) -> io::Result<()> {
    let mut packed = flate2::write::GzEncoder::new(to, flate2::Compression::fast());
    io::copy(&mut File::open(from)?, &mut packed)?;
    packed.finish().map(drop)
}

/// Writes the first `n` records of a pcap.
pub fn first(from: &Path, to: &mut dyn Write, n: u64) -> io::Result<()> {
    io::copy(&mut File::open(from)?.take(24), to)?;
    each(from, n, |header, frame| {
        header.iter().try_for_each(|word| to.write_all(&word.to_le_bytes()))?;
        to.write_all(frame)
    })
}

/// Gives the header and frame of each of the first `most` records of a little-endian pcap.
fn each(from: &Path, most: u64, mut give: impl FnMut([u32; 4], &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(from)?);
    io::copy(&mut file.by_ref().take(24), &mut io::sink())?;
    let mut frame = Vec::new();
    for _ in 0..most {
        let mut header = [0; 16];
        match file.read_exact(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let word = |at: usize| header[at..at + 4].iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
        let header = [word(0), word(4), word(8), word(12)];
        frame.resize(header[2] as usize, 0);
        file.read_exact(&mut frame)?;
        give(header, &frame)?;
    }
    Ok(())
}

/// One pcapng block: type, length, words, bytes with padding, length.
fn block(to: &mut dyn Write, kind: u32, words: &[u32], bytes: &[u8]) -> io::Result<()> {
    let padding = bytes.len().wrapping_neg() % 4;
    let length = (12 + 4 * words.len() + bytes.len() + padding) as u32;
    for word in [kind, length].iter().chain(words) {
        to.write_all(&word.to_le_bytes())?;
    }
    to.write_all(bytes)?;
    to.write_all(&[0; 3][..padding])?;
    to.write_all(&length.to_le_bytes())
}
