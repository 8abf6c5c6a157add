//! Eight bytes at a time: where a byte stands, and names compared whatever their letter case.

use memchr::memchr;

/// Line ends nearer than this are looked for word by word.
const NEAR: usize = 128;
/// One in every byte.
const ONES: u64 = u64::MAX / 255;
/// The highest bit of every byte.
const TOPS: u64 = ONES << 7;

/// The eight bytes at `at`, the first one lowest; zeros behind the end.
#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.first_chunk().map_or_else(|| short(rest), |chunk| u64::from_le_bytes(*chunk))
}

/// Fewer than eight bytes.
fn short(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The highest bit of each byte of `word` that is `mark`. Above the first one others may be set as well.
#[inline(always)]
pub(super) fn hits(word: u64, mark: u8) -> u64 {
    let same = word ^ (ONES * u64::from(mark));
    same.wrapping_sub(ONES) & !same & TOPS
}

/// How many bytes of a word stand before the first of `hits`; eight where there is none.
#[inline(always)]
pub(super) fn before(hits: u64) -> usize {
    (hits.trailing_zeros() / 8) as usize
}

/// Some byte of `word` is a blank or a control character.
#[inline(always)]
pub(super) fn has_blank(word: u64) -> bool {
    word.wrapping_sub(ONES * 0x21) & !word & TOPS != 0
}

/// The bits of the first `len` bytes of a word, all of them from eight on.
#[inline(always)]
pub(super) fn mask(len: usize) -> u64 {
    if len >= 8 { u64::MAX } else { (1 << (8 * len)) - 1 }
}

/// The first `mark` in `bytes`: sooner than `memchr` where it is near, as in one header value.
#[inline(always)]
pub(super) fn find(bytes: &[u8], mark: u8) -> Option<usize> {
    let far = |word: u64| (word ^ (ONES * u64::from(mark))).wrapping_sub(ONES) & TOPS == 0;
    find_hits(bytes, far, |word| hits(word, mark), |byte| byte == mark)
}

/// The first of two marks.
#[inline]
pub(super) fn find2(bytes: &[u8], one: u8, other: u8) -> Option<usize> {
    find_hits(bytes, |_| false, |word| hits(word, one) | hits(word, other), |byte| byte == one || byte == other)
}

/// The first LF: nearly all are near, where calling `memchr` costs more than looking.
#[inline(always)]
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    match bytes.get(..NEAR) {
        Some(near) => find(near, b'\n').or_else(|| Some(NEAR + memchr(b'\n', bytes.get(NEAR..)?)?)),
        None => find(bytes, b'\n'),
    }
}

/// The first hit. `far` words surely have none, which is sooner told.
#[inline(always)]
fn find_hits(bytes: &[u8], far: impl Fn(u64) -> bool, hits: impl Fn(u64) -> u64, is: impl Fn(u8) -> bool) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        if far(word) {
            continue;
        }
        let found = hits(word);
        if found != 0 {
            return Some(n * 8 + before(found));
        }
    }
    match bytes.last_chunk::<8>() {
        // What it has in common with the word before is no hit.
        Some(last) => Some(hits(u64::from_le_bytes(*last))).filter(|found| *found != 0).map(|found| bytes.len() - 8 + before(found)),
        None => rest.iter().position(|byte| is(*byte)),
    }
}

/// The number that `digits` write; `None` where one is no digit, where there is none, and from 2³² on.
pub(super) fn decimal(digits: &[u8]) -> Option<u32> {
    let digit = |byte: u8| Some(u32::from(byte.wrapping_sub(b'0'))).filter(|digit| *digit < 10);
    let (first, rest) = digits.split_first()?;
    rest.iter().try_fold(digit(*first)?, |number, byte| number.checked_mul(10)?.checked_add(digit(*byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_looking_at_each_byte_finds() {
        let text = b"a;b:\xbb;\x3a\x3b\x80\xba\x00:;;  \tz:\x01";
        for from in 0..text.len() {
            for mark in 0..=255 {
                let bytes = &text[from..];
                assert_eq!(find(bytes, mark), bytes.iter().position(|byte| *byte == mark));
                let either = bytes.iter().position(|byte| *byte == mark || *byte == b':');
                assert_eq!(find2(bytes, mark, b':'), either);
            }
            let blank = text.iter().skip(from).take(8).any(|byte| *byte < 0x21);
            assert_eq!(has_blank(word(text, from)), blank || from + 8 > text.len());
        }
    }

    #[test]
    fn line_ends_are_found_near_and_far() {
        for len in [0, 1, 7, 8, 9, 127, 128, 129, 1000] {
            let line = vec![b'x'; len];
            assert_eq!(line_end(&line), None);
            assert_eq!(line_end(&[&line, &b"\n\n"[..]].concat()), Some(len));
            assert_eq!(line_end(&[&line, &b"\n"[..], &line].concat()), Some(len));
        }
    }

    #[test]
    fn words_end_in_zeros_behind_the_text() {
        assert_eq!(word(b"abcdefghi", 1), u64::from_le_bytes(*b"bcdefghi"));
        assert_eq!(word(b"abc", 1), u64::from_le_bytes(*b"bc\0\0\0\0\0\0"));
        assert_eq!((word(b"abc", 3), word(b"abc", 9)), (0, 0));
        assert_eq!((mask(0), mask(1), mask(7) >> 48, mask(8), mask(20)), (0, 0xFF, 0xFF, u64::MAX, u64::MAX));
    }

    #[test]
    fn decimal_numbers_are_digits_that_fit() {
        let read = |text: &str| decimal(text.as_bytes());
        assert_eq!((read("0"), read("00042"), read("4294967295")), (Some(0), Some(42), Some(u32::MAX)));
        assert_eq!((read(""), read("-1"), read("4294967296"), read("1 "), read("99999999999999999999")), (None, None, None, None, None));
    }
}
