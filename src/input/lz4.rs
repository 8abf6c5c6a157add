//! Lz4 as `lz4` and capture tools write it: frames one after another, skippable ones between them.

use lz4_flex::frame::FrameDecoder;
use std::io::{BufRead, Chain, Cursor, Error, ErrorKind, Read, Result, copy, sink};

/// First bytes of a frame.
const FRAME: u32 = 0x184d_2204;
/// First bytes of a frame in the format before frames had an end mark (`lz4 -l`).
const LEGACY: u32 = 0x184c_2102;
/// First bytes of frames that hold something else.
const SKIPPABLE: std::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;

/// Unpacks all frames of a file. What was read before a fault has been given before the error comes. A frame holds at most two
/// blocks of 4 MiB and what they look back at.
pub struct Frames<R: BufRead> {
    state: State<R>,
}

enum State<R: BufRead> {
    Inside(Box<FrameDecoder<Frame<R>>>),
    Between(R),
    Done,
}

/// A frame from its first bytes on, which were read to know it.
type Frame<R> = Chain<Cursor<[u8; 4]>, Watched<R>>;

impl<R: BufRead> Frames<R> {
    /// Reads the first frame from `packed`.
    pub fn new(packed: R) -> Self {
        Self { state: State::Between(packed) }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(0),
                State::Between(packed) => next_frame(packed)?,
                State::Inside(mut frame) => match frame.read(out)? {
                    0 => State::Between(frame.into_inner().into_inner().1.whole()?),
                    n => {
                        self.state = State::Inside(frame);
                        return Ok(n);
                    }
                },
            };
        }
    }
}

fn next_frame<R: BufRead>(mut packed: R) -> Result<State<R>> {
    loop {
        if packed.fill_buf()?.is_empty() {
            return Ok(State::Done);
        }
        match u32::from_le_bytes(word(&mut packed)?) {
            FRAME => {
                let whole = Cursor::new(FRAME.to_le_bytes()).chain(Watched { packed, ended: false });
                return Ok(State::Inside(Box::new(FrameDecoder::new(whole))));
            }
            LEGACY => return Err(Error::new(ErrorKind::Unsupported, LEGACY_TEXT)),
            magic if SKIPPABLE.contains(&magic) => {
                let length = u64::from(u32::from_le_bytes(word(&mut packed)?));
                if copy(&mut packed.by_ref().take(length), &mut sink())? < length {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
            }
            _ => return Err(Error::new(ErrorKind::InvalidData, "other bytes follow the compressed data")),
        }
    }
}

const LEGACY_TEXT: &str = "lz4's legacy format is not read: pipe it in with `lz4 -dc FILE | callpath analyze -`";

fn word(packed: &mut impl Read) -> Result<[u8; 4]> {
    let mut word = [0; 4];
    packed.read_exact(&mut word)?;
    Ok(word)
}

/// Notices the end of the file. The decoder takes an end between two blocks for the end of the frame, but a whole frame has an
/// end mark, and nothing asks for more after it.
struct Watched<R> {
    packed: R,
    ended: bool,
}

impl<R> Watched<R> {
    /// What follows the frame; an error when the file ended inside it.
    fn whole(self) -> Result<R> {
        if self.ended { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(self.packed) }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let n = self.packed.read(out)?;
        self.ended |= n == 0 && !out.is_empty();
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
    use std::io::Write;

    fn packed(bytes: &[u8], mode: BlockMode) -> Vec<u8> {
        let info = FrameInfo::new().block_mode(mode).content_checksum(true);
        let mut lz4 = FrameEncoder::with_frame_info(info, Vec::new());
        lz4.write_all(bytes).unwrap();
        lz4.finish().unwrap()
    }

    fn unpack(bytes: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let kind = Frames::new(bytes).read_to_end(&mut out).err().map(|e| e.kind());
        (out, kind)
    }

    fn noise() -> Vec<u8> {
        (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    #[test]
    fn frames_are_read_on_and_skippable_ones_are_passed_over() {
        let skippable = [&0x184d_2a53_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"xyz"].concat();
        let file = [packed(b"one ", BlockMode::Linked), skippable.clone(), packed(b"two", BlockMode::Independent)].concat();
        assert_eq!(unpack(&file), (b"one two".to_vec(), None));
        assert_eq!(unpack(&skippable[..9]).1, Some(ErrorKind::UnexpectedEof));
    }

    #[test]
    fn a_stream_cut_anywhere_gives_what_was_read_and_an_error() {
        for mode in [BlockMode::Linked, BlockMode::Independent] {
            let (noise, whole) = (noise(), packed(&noise(), mode));
            let near_the_end = (1..12).map(|left| whole.len() - left);
            for cut in (1..whole.len()).step_by(1_013).chain(near_the_end) {
                let (out, kind) = unpack(&whole[..cut]);
                assert!(noise.starts_with(&out) && out.len() + 300_000 / 2 > cut / 2, "{cut}");
                assert_eq!(kind, Some(ErrorKind::UnexpectedEof), "{cut}");
            }
        }
    }

    #[test]
    fn a_damaged_stream_and_garbage_after_it_are_errors() {
        let (noise, whole) = (noise(), packed(&noise(), BlockMode::Linked));
        let mut bad_sum = whole.clone();
        *bad_sum.last_mut().unwrap() ^= 1;
        let (out, kind) = unpack(&bad_sum);
        assert!(out == noise && kind.is_some());
        assert_eq!(unpack(&[whole, b"tail".to_vec()].concat()), (noise, Some(ErrorKind::InvalidData)));
        assert_eq!(unpack(&LEGACY.to_le_bytes()).1, Some(ErrorKind::Unsupported));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = packed(&noise()[..20_000], BlockMode::Linked);
        for at in 0..whole.len().min(4_000) {
            let mut bad = whole.clone();
            bad[at] = bad[at].wrapping_mul(31) ^ 0x5a;
            unpack(&bad);
        }
    }
}
