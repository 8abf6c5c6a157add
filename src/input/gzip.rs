//! Gzip as capture tools and `cat a.gz b.gz` write it: members one after another (RFC 1952 section 2.2), zero padding after them.

use flate2::bufread::GzDecoder;
use std::io::{BufRead, Error, ErrorKind, Read, Result};

/// Unpacks all members of a gzip file. What was read before a fault has been given before the error comes.
pub struct Members<R: BufRead> {
    state: State<R>,
}

enum State<R: BufRead> {
    Inside(Box<GzDecoder<R>>),
    Between(R),
    Done,
}

impl<R: BufRead> Members<R> {
    /// Reads the first member from `packed`.
    pub fn new(packed: R) -> Self {
        Self { state: State::Between(packed) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(0),
                State::Between(packed) => next_member(packed)?,
                State::Inside(mut member) => match member.read(out)? {
                    0 => State::Between(member.into_inner()),
                    n => {
                        self.state = State::Inside(member);
                        return Ok(n);
                    }
                },
            };
        }
    }
}

fn next_member<R: BufRead>(mut packed: R) -> Result<State<R>> {
    loop {
        let ahead = packed.fill_buf()?;
        match ahead.first() {
            None => return Ok(State::Done),
            Some(0x1f) => return Ok(State::Inside(Box::new(GzDecoder::new(packed)))),
            // Tapes and block devices pad with zeros; gzip(1) passes over them too.
            Some(0) => {
                let zeros = ahead.iter().take_while(|b| **b == 0).count();
                packed.consume(zeros);
            }
            Some(_) => return Err(Error::new(ErrorKind::InvalidData, "other bytes follow the compressed data")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(text).unwrap();
        gz.finish().unwrap()
    }

    fn unpack(bytes: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let kind = Members::new(bytes).read_to_end(&mut out).err().map(|e| e.kind());
        (out, kind)
    }

    #[test]
    fn members_are_read_on_and_padding_is_passed_over() {
        let file = [packed(b"one "), packed(b"two"), vec![0; 600]].concat();
        assert_eq!(unpack(&file), (b"one two".to_vec(), None));
    }

    #[test]
    fn a_cut_or_damaged_stream_gives_what_was_read_and_an_error() {
        let noise: Vec<u8> = (0..40_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let whole = packed(&noise);
        let (out, kind) = unpack(&whole[..whole.len() / 2]);
        assert!(noise.starts_with(&out) && out.len() > 1_000);
        assert_eq!(kind, Some(ErrorKind::UnexpectedEof));
        let mut bad_sum = whole.clone();
        let at = bad_sum.len() - 6;
        bad_sum[at] ^= 1;
        let (out, kind) = unpack(&bad_sum);
        assert!(out == noise && kind.is_some());
        assert!(unpack(&[whole, b"tail".to_vec()].concat()).1.is_some());
    }
}
