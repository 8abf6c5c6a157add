//! The scanner: one pass over a message that notes where every header stands and reads none of them.

use super::header::HeaderName;
use super::start::{self, StartLine};
use super::value::trim;
use memchr::memchr;
use serde::{Deserialize, Serialize};

/// A longer name is no header name but text.
const LONGEST_NAME: usize = 255;

/// A place in the text of a message, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Span {
    /// Offset of the first byte.
    pub at: u32,
    /// Length.
    pub len: u32,
}

impl Span {
    /// The bytes of `text` at this place; empty when `text` is shorter than the message that was indexed.
    pub fn of(self, text: &[u8]) -> &[u8] {
        let at = self.at as usize;
        at.checked_add(self.len as usize).and_then(|end| text.get(at..end)).unwrap_or_default()
    }

    /// The place of `part`, which is a slice of `text`.
    pub fn within(text: &[u8], part: &[u8]) -> Self {
        let at = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        Self { at: u32::try_from(at).unwrap_or(u32::MAX), len: u32::try_from(part.len()).unwrap_or(0) }
    }
}

/// One header line, folds included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its kind.
    pub name: HeaderName,
    name_len: u8,
    name_at: u32,
    /// Its value without white space at the ends; line folds are still inside.
    pub value: Span,
}

impl Header {
    /// The name as written, compact or long.
    pub fn name_text<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        Span { at: self.name_at, len: self.name_len.into() }.of(text)
    }
}

/// Where everything stands in one message. Holds no reference, so it lives as long as its message does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderIndex {
    /// The start line.
    pub start: StartLine,
    /// Every header line in order, unknown ones included.
    pub headers: Vec<Header>,
    /// The body: Content-Length bytes, or what there is when that says more or is missing (RFC 3261 section 18.3).
    pub body: Span,
    /// The first Content-Length that is a number of 32 bits.
    pub content_length: Option<u32>,
    /// Headers or body are shorter than they were on the wire: the snap length or the end of a stream took bytes, the headers
    /// have no blank line after them, or Content-Length announces more. What is missing proves nothing.
    pub cut: bool,
    /// Lines among the headers that are no header; at most 65 535 are counted.
    pub junk: u16,
    /// The last header line ran into the end of a cut message: its value may be half a value.
    pub(super) open: bool,
}

/// Indexes the one message that occupies `bytes`: a datagram, or exactly one message of a stream ([`super::frame`]).
/// Compact names, folds, LF line ends, white space before the start line and lines that are no header are all taken.
/// `None` only when there is no SIP start line (see [`super::probe`]). `cut`: the snap length took bytes of it.
pub fn scan(bytes: &[u8], cut: bool) -> Option<HeaderIndex> {
    let (begin, end) = start::find(bytes)?;
    u32::try_from(bytes.len()).ok()?;
    let start = start::read(bytes, begin, end)?;
    let mut index =
        HeaderIndex { start, headers: Vec::with_capacity(16), body: Span::default(), content_length: None, cut, junk: 0, open: false };
    let mut lines = Lines { bytes, at: (end + 1).min(bytes.len()) };
    let body = loop {
        match lines.next_line() {
            Line::Header { name, value, ended } => index.push(bytes, name, value, ended),
            Line::Junk => index.junk = index.junk.saturating_add(1),
            Line::Blank => break bytes.get(lines.at..),
            Line::End => break None,
        }
    };
    index.set_body(bytes, body);
    Some(index)
}

impl HeaderIndex {
    fn push(&mut self, bytes: &[u8], name: &[u8], value: &[u8], ended: bool) {
        let kind = HeaderName::of(name);
        if kind == HeaderName::ContentLength && self.content_length.is_none() {
            self.content_length = length(value);
        }
        self.open = self.cut && !ended;
        let name_at = Span::within(bytes, name).at;
        let name_len = u8::try_from(name.len()).unwrap_or(u8::MAX);
        self.headers.push(Header { name: kind, name_len, name_at, value: Span::within(bytes, value) });
    }

    fn set_body(&mut self, bytes: &[u8], rest: Option<&[u8]>) {
        let Some(rest) = rest else {
            self.cut = true;
            self.body = Span::within(bytes, bytes.get(bytes.len()..).unwrap_or_default());
            return;
        };
        let announced = self.content_length.map(|length| length as usize);
        let body = announced.and_then(|length| rest.get(..length)).unwrap_or(rest);
        self.body = Span::within(bytes, body);
        self.cut = announced.map_or(self.cut, |length| length > rest.len());
    }
}

/// A Content-Length: digits that fit in 32 bits. Neither `-1` nor `4294967328` is one.
pub(super) fn length(value: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(value).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// One line of a header section, its folds included.
pub(super) enum Line<'a> {
    /// A header; `ended`: its line end is there.
    Header { name: &'a [u8], value: &'a [u8], ended: bool },
    /// Text that is no header: without colon, or with a blank inside what would be its name.
    Junk,
    /// The blank line; the body begins here.
    Blank,
    /// No bytes are left.
    End,
}

/// Reads header lines from `at` on.
pub(super) struct Lines<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn next_line(&mut self) -> Line<'a> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Line::End;
        }
        let (line, ended) = self.logical_line(rest);
        if ended && matches!(line, b"" | b"\r") {
            return Line::Blank;
        }
        header_of(line, ended)
    }

    /// The line at the head of `rest` with its folds and without its last LF, and whether that LF is there.
    fn logical_line(&mut self, rest: &'a [u8]) -> (&'a [u8], bool) {
        let mut from = 0;
        while let Some(found) = rest.get(from..).and_then(|bytes| memchr(b'\n', bytes)) {
            let end = from + found;
            from = end + 1;
            let blank = matches!(rest.get(..end), Some(b"" | b"\r"));
            if blank || !matches!(rest.get(from), Some(b' ' | b'\t')) {
                self.at += from;
                return (rest.get(..end).unwrap_or_default(), true);
            }
        }
        self.at = self.bytes.len();
        (rest, false)
    }
}

fn header_of(line: &[u8], ended: bool) -> Line<'_> {
    let limit = line.get(..=LONGEST_NAME).unwrap_or(line);
    let stop = limit.iter().position(|byte| matches!(byte, b':' | b' ' | b'\t' | b'\r' | b'\n' | 0x0c));
    let colon = match stop {
        Some(at) if limit.get(at) == Some(&b':') => Some(at),
        // A blank before the colon is seldom.
        Some(_) => memchr(b':', limit),
        None => None,
    };
    let Some((name, value)) = colon.and_then(|at| line.split_at_checked(at)) else {
        // Half a line says nothing about its sender.
        return if ended { Line::Junk } else { Line::End };
    };
    let name = if colon == stop { name } else { trim(name) };
    if name.is_empty() || (colon != stop && name.iter().any(|byte| byte.is_ascii_whitespace())) {
        return Line::Junk;
    }
    Line::Header { name, value: trim(value.get(1..).unwrap_or_default()), ended }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(text: &str) -> HeaderIndex {
        scan(text.as_bytes(), false).unwrap()
    }

    fn body(text: &str) -> (&[u8], bool) {
        let index = index(text);
        (index.body.of(text.as_bytes()), index.cut)
    }

    #[test]
    fn content_length_bounds_the_body() {
        assert_eq!(body("BYE sip:a SIP/2.0\r\nl: 2\r\n\r\nabcd"), (&b"ab"[..], false));
        assert_eq!(body("BYE sip:a SIP/2.0\r\nl: 9\r\n\r\nabcd"), (&b"abcd"[..], true));
        assert_eq!(body("BYE sip:a SIP/2.0\r\n\r\nabcd"), (&b"abcd"[..], false));
        assert_eq!(body("BYE sip:a SIP/2.0\r\n"), (&b""[..], true));
    }

    #[test]
    fn the_first_length_that_is_one_counts() {
        let text = "BYE sip:a SIP/2.0\r\nContent-Length: 4294967328\r\nl: -1\r\nContent-Length: 3\r\nl: 1\r\n\r\nabcd";
        assert_eq!(index(text).content_length, Some(3));
        assert_eq!(body(text).0, b"abc");
    }

    #[test]
    fn lines_that_are_no_header_are_counted() {
        let index = index("BYE sip:a SIP/2.0\nno colon\n: no name\ntwo words: x\n folded\nX-(odd)@: y\n\n");
        assert_eq!((index.junk, index.headers.len()), (3, 1));
    }

    #[test]
    fn a_body_that_begins_with_a_blank_is_no_fold() {
        assert_eq!(body("BYE sip:a SIP/2.0\r\nX: 1\r\n\r\n body").0, b" body");
    }

    #[test]
    fn a_message_whose_parts_are_all_there_is_not_cut_by_lost_padding() {
        assert!(!scan(b"BYE sip:a SIP/2.0\r\nl: 1\r\n\r\nx", true).unwrap().cut);
        assert!(scan(b"BYE sip:a SIP/2.0\r\nX: 1\r\n\r\nx", true).unwrap().cut);
    }

    #[test]
    fn the_index_survives_saving() {
        let index = index("SIP/2.0 200 OK\r\nVia: x\r\nX-Y: z\r\n\r\n");
        let saved = postcard::to_stdvec(&index).unwrap();
        assert_eq!(postcard::from_bytes::<HeaderIndex>(&saved).unwrap(), index);
    }
}
