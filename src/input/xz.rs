//! Xz as `xz` and `cat a.xz b.xz` write it: streams one after another, zero padding between and after them.

use lzma_rust2::XzReader;
use std::io::{Error, ErrorKind, Read, Result};

/// Memory that a stream may ask for, in KiB: a dictionary of 128 MiB and what goes with it. `xz -9` takes half of that, and a
/// file of a few bytes can ask for 4 GiB.
const MOST_MEMORY: u32 = 132 << 10;
/// Bytes unpacked at a time. What is unpacked of such a piece is lost where the stream breaks off inside it.
const PIECE: usize = 8 << 10;

/// Unpacks all streams of a file. What was read before a fault has been given before the error comes.
pub struct Streams<R: Read> {
    xz: XzReader<R>,
}

impl<R: Read> Streams<R> {
    /// Reads the first stream from `packed`.
    pub fn new(packed: R) -> Self {
        Self { xz: XzReader::new_mem_limit(packed, true, MOST_MEMORY) }
    }
}

impl<R: Read> Read for Streams<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let piece = out.len().min(PIECE);
        let piece = out.get_mut(..piece).unwrap_or_default();
        if piece.is_empty() { Ok(0) } else { self.xz.read(piece).map_err(plain) }
    }
}

/// The error in words for the user where the stream is not at fault.
fn plain(error: Error) -> Error {
    let why = match error.kind() {
        ErrorKind::OutOfMemory => "needs more than 128 MiB to unpack",
        ErrorKind::Unsupported => "uses a filter or check that is not read",
        _ => return error,
    };
    Error::new(ErrorKind::Unsupported, format!("the xz stream {why}: pipe it in with `xz -dc FILE | callpath analyze -`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// `bytes` in xz blocks of `block` bytes.
    fn packed(bytes: &[u8], block: u64) -> Vec<u8> {
        let mut options = lzma_rust2::XzOptions::with_preset(1);
        options.set_block_size(std::num::NonZeroU64::new(block));
        let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        xz.write_all(bytes).unwrap();
        xz.finish().unwrap()
    }

    fn unpack(bytes: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let kind = Streams::new(bytes).read_to_end(&mut out).err().map(|e| e.kind());
        (out, kind)
    }

    fn noise(n: u32) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn streams_and_blocks_are_read_on_and_padding_is_passed_over() {
        let noise = noise(400_000);
        let file = [packed(&noise, 150_000), vec![0; 8], packed(b" and more", 1 << 20), vec![0; 4]].concat();
        assert_eq!(unpack(&file), ([noise, b" and more".to_vec()].concat(), None));
    }

    #[test]
    fn a_stream_cut_anywhere_gives_what_was_read_and_an_error() {
        let noise = noise(300_000);
        let whole = packed(&noise, 100_000);
        for cut in (13..whole.len()).step_by(whole.len() / 97) {
            let (out, kind) = unpack(&whole[..cut]);
            assert!(noise.starts_with(&out), "{cut}");
            assert!(kind.is_some(), "{cut}");
        }
        let (out, kind) = unpack(&whole[..whole.len() / 2]);
        assert_eq!(kind, Some(ErrorKind::UnexpectedEof));
        assert!(out.len() > 90_000, "{}", out.len());
    }

    #[test]
    fn a_damaged_stream_and_garbage_after_it_are_errors() {
        let whole = packed(&noise(50_000), 1 << 20);
        assert!(unpack(&[whole.clone(), b"tail".to_vec()].concat()).1.is_some());
        for at in (0..whole.len()).step_by(whole.len() / 211) {
            let mut bad = whole.clone();
            bad[at] ^= 0x11;
            assert!(unpack(&bad).1.is_some(), "{at}");
        }
    }

    #[test]
    fn a_stream_that_asks_for_more_memory_than_it_may_is_refused() {
        let mut greedy = packed(b"few", 1 << 20);
        // Stream header 12, block header: size, flags, filter id 0x21, size of properties 1, dictionary (xz file format 1.2.1 section 5.3.1).
        assert_eq!(greedy[12..16], [greedy[12], 0, 0x21, 1]);
        greedy[16] = 40; // 4 GiB less one byte
        let length = 4 * (usize::from(greedy[12]) + 1);
        let sum = crc32(&greedy[12..12 + length - 4]).to_le_bytes();
        greedy[12 + length - 4..12 + length].copy_from_slice(&sum);
        let error = Streams::new(greedy.as_slice()).read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("needs more than 128 MiB"), "{error}");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
    }
}
