//! The scanner: one pass over a message that notes where every header stands and reads none of them.

use super::frame::{MAX_BODY, MAX_HEAD};
use super::header::{HeaderName, KINDS, Names};
use super::start::{self, StartLine};
use super::value::{is_token, trim};
use super::words::{decimal, line_end};
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

    /// The place of `part`, which begins at `at`, without white space at its ends.
    #[inline(always)]
    fn trimmed(part: &[u8], at: usize) -> Self {
        let tail = part.strip_prefix(b" ").unwrap_or(part);
        let plain = tail.strip_suffix(b"\r").unwrap_or(tail);
        let (tail, value) = match (plain.first(), plain.last()) {
            (Some(b'!'..), Some(b'!'..)) => (tail, plain),
            _ => (part.trim_ascii_start(), part.trim_ascii()),
        };
        Self { at: (at + part.len() - tail.len()) as u32, len: value.len() as u32 }
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// One more than where in `headers` the first of each kind is; 0 where there is none, 255 from place 254 on.
    firsts: [u8; KINDS],
}

/// What a message without start line would have.
impl Default for HeaderIndex {
    fn default() -> Self {
        Self::new(StartLine::default(), Vec::new(), false)
    }
}

/// Indexes the one message that occupies `bytes`: a datagram, or exactly one message of a stream ([`super::frame`]).
/// Compact names, folds, LF line ends, white space before the start line and lines that are no header are all taken.
/// `None` only when there is no SIP start line (see [`super::probe`]). `cut`: the snap length took bytes of it.
pub fn scan(bytes: &[u8], cut: bool) -> Option<HeaderIndex> {
    u32::try_from(bytes.len()).ok()?;
    let (start, end) = start::open(bytes)?;
    let mut index = HeaderIndex::new(start, Vec::with_capacity(16), cut);
    let mut lines = Lines::new(bytes, (end + 1).min(bytes.len()));
    let body = loop {
        match lines.next_line() {
            Line::Header { header, ended, .. } => index.push(bytes, header, ended),
            Line::Junk => index.junk = index.junk.saturating_add(1),
            Line::Blank => break bytes.get(lines.at..),
            Line::End => break None,
        }
    };
    index.set_body(bytes, body);
    Some(index)
}

/// The index of the message at the head of `bytes`, the bytes of a stream that were not consumed yet, where nothing about it is odd and all of
/// it is there: what [`super::frame()`] and then [`scan`] would say, read at one go. It ends with its body. `None`: those two have to look.
pub fn whole(bytes: &[u8]) -> Option<HeaderIndex> {
    u32::try_from(bytes.len()).ok()?;
    bytes.first().filter(|byte| is_token(**byte))?;
    let (start, end) = start::open(bytes)?;
    let mut index = HeaderIndex::new(start, Vec::with_capacity(16), false);
    let mut lines = Lines::new(bytes, (end + 1).min(bytes.len()));
    let mut lengths = 0;
    loop {
        match lines.next_line() {
            Line::Header { header, plain: true, .. } => {
                lengths += usize::from(header.name == HeaderName::ContentLength);
                index.push(bytes, header, true);
            }
            Line::Blank => break,
            _ => return None,
        }
    }
    let length = index.content_length.map(|length| length as usize).filter(|length| lengths == 1 && *length <= MAX_BODY)?;
    let body = bytes.get(lines.at..)?.get(..length).filter(|_| lines.at <= MAX_HEAD)?;
    index.set_body(bytes, Some(body));
    Some(index)
}

impl HeaderIndex {
    fn new(start: StartLine, headers: Vec<Header>, cut: bool) -> Self {
        Self { start, headers, body: Span::default(), content_length: None, cut, junk: 0, open: false, firsts: [0; KINDS] }
    }

    /// The first header of this kind.
    #[inline]
    pub fn first(&self, name: HeaderName) -> Option<&Header> {
        match self.firsts.get(name as usize)? {
            0 => None,
            &u8::MAX => self.headers.iter().skip(254).find(|header| header.name == name),
            at => self.headers.get(usize::from(*at) - 1),
        }
    }

    /// Offset of the first byte behind the body.
    pub fn end(&self) -> usize {
        (self.body.at + self.body.len) as usize
    }

    #[inline]
    fn push(&mut self, bytes: &[u8], header: Header, ended: bool) {
        if header.name == HeaderName::ContentLength && self.content_length.is_none() {
            self.content_length = decimal(header.value.of(bytes));
        }
        self.open = self.cut && !ended;
        if let Some(first) = self.firsts.get_mut(header.name as usize).filter(|first| **first == 0) {
            *first = u8::try_from(self.headers.len()).map_or(u8::MAX, |at| at.saturating_add(1));
        }
        self.headers.push(header);
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

/// One line of a header section, its folds included.
pub(super) enum Line {
    /// A header; `ended`: its line end is there. `plain`: it is so, nothing is folded, and a colon follows the name at once, so that no line
    /// of it can be a start line.
    Header { header: Header, ended: bool, plain: bool },
    /// Text that is no header: without colon, or with a blank inside what would be its name.
    Junk,
    /// The blank line; the body begins here.
    Blank,
    /// No bytes are left.
    End,
}

/// Reads header lines from `at` on.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    names: &'static Names,
}

impl<'a> Lines<'a> {
    /// `bytes` are fewer than 2³².
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, names: Names::get() }
    }

    /// What the next line begins with.
    #[inline]
    pub(super) fn begins(&self, is: impl Fn(u8) -> bool) -> bool {
        self.bytes.get(self.at).is_some_and(|byte| is(*byte))
    }

    /// Leaves out the next line, which is not blank, with its folds.
    pub(super) fn skip(&mut self) {
        self.logical_end(self.at, self.bytes.get(self.at..).unwrap_or_default());
    }

    #[inline]
    pub(super) fn next_line(&mut self) -> Line {
        let (from, rest) = (self.at, self.bytes.get(self.at..).unwrap_or_default());
        let Some((name, name_len)) = self.names.at_head(rest) else { return self.odd_line(rest) };
        let rest = rest.get(name_len + 1..).unwrap_or_default();
        let (end, ended, folded) = self.logical_end(from + name_len + 1, rest);
        let value = Span::trimmed(rest.get(..end).unwrap_or_default(), from + name_len + 1);
        let header = Header { name, name_len: name_len as u8, name_at: from as u32, value };
        Line::Header { header, ended, plain: ended && !folded }
    }

    /// A line that does not begin with a name of usual length and a colon.
    #[inline(never)]
    fn odd_line(&mut self, rest: &[u8]) -> Line {
        let blank = match rest {
            [] => return Line::End,
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => 0,
        };
        if blank > 0 {
            self.at += blank;
            return Line::Blank;
        }
        let from = self.at;
        let (end, ended, folded) = self.logical_end(from, rest);
        let line = rest.get(..end).unwrap_or_default();
        if let Some((name, colon)) = name_of(line) {
            let name_at = from as u32 + Span::within(line, name).at;
            let name_len = u8::try_from(name.len()).unwrap_or(u8::MAX);
            let value = Span::trimmed(line.get(colon + 1..).unwrap_or_default(), from + colon + 1);
            let header = Header { name: HeaderName::of(name), name_len, name_at, value };
            return Line::Header { header, ended, plain: ended && !folded && name.len() == colon };
        }
        // Half a line says nothing about its sender.
        if ended || memchr(b':', line.get(..=LONGEST_NAME).unwrap_or(line)).is_some() { Line::Junk } else { Line::End }
    }

    /// How much of `rest`, which begins at `at`, is the line with its folds, its last LF left out, whether that LF is there, and whether there
    /// are folds. The next line begins behind it.
    #[inline(always)]
    fn logical_end(&mut self, at: usize, rest: &[u8]) -> (usize, bool, bool) {
        let mut from = 0;
        while let Some(found) = rest.get(from..).and_then(line_end) {
            let (end, folded) = (from + found, from > 0);
            from = end + 1;
            if !matches!(rest.get(from), Some(b' ' | b'\t')) {
                self.at = at + from;
                return (end, true, folded);
            }
        }
        self.at = self.bytes.len();
        (rest.len(), false, from > 0)
    }
}

/// The name that a line begins with, and where its colon is; `None` where it is no header.
fn name_of(line: &[u8]) -> Option<(&[u8], usize)> {
    let limit = line.get(..=LONGEST_NAME).unwrap_or(line);
    let stop = limit.iter().position(|byte| matches!(byte, b':' | b' ' | b'\t' | b'\r' | b'\n' | 0x0c))?;
    if limit.get(stop) == Some(&b':') {
        return (stop > 0).then_some((line.get(..stop)?, stop));
    }
    // A blank before the colon is seldom.
    let colon = memchr(b':', limit)?;
    let name = trim(line.get(..colon)?);
    (!name.is_empty() && !name.iter().any(|byte| byte.is_ascii_whitespace())).then_some((name, colon))
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
    fn the_first_of_a_kind_is_found_among_any_number() {
        for n in [1, 252, 253, 254, 255, 256, 300] {
            let many = format!("BYE sip:a SIP/2.0\r\n{}To: b\r\nRoute: c\r\nTo: d\r\n\r\n", "Via: x\r\n".repeat(n));
            let index = index(&many);
            let value = |name| index.first(name).map(|header| header.value.of(many.as_bytes()));
            assert_eq!((value(HeaderName::Via), value(HeaderName::To), value(HeaderName::From)), (Some(&b"x"[..]), Some(&b"b"[..]), None));
            assert_eq!((value(HeaderName::Route), index.headers.len()), (Some(&b"c"[..]), n + 3));
        }
        assert_eq!(HeaderIndex::default().first(HeaderName::Via), None);
    }

    #[test]
    fn every_line_is_read_as_looking_at_each_byte_reads_it() {
        let names = ["Via", "X-Very-Long-Name-Of-Some-Header", "a\x01b", "", "Via ", "no colon", "CSeq\t", "Con\rtact", "i"];
        let values = ["", " ", " x", "x \t", "\u{c}x\u{b}", " a\r\n b", "\r\n\t", " a:b"];
        for (name, value) in names.iter().flat_map(|name| values.iter().map(move |value| (name, value))) {
            let line = format!("{name}:{value}");
            for (text, ended) in [(format!("{line}\r\nFrom: y"), true), (format!("{line}\n\n"), true), (line.clone(), false)] {
                let expected = name_of(line.as_bytes()).map(|(name, at)| (name.to_vec(), trim(&line.as_bytes()[at + 1..]).to_vec()));
                let found = match Lines::new(text.as_bytes(), 0).next_line() {
                    Line::Header { header, ended: found, .. } => {
                        assert_eq!(ended, found, "{text:?}");
                        Some((header.name_text(text.as_bytes()).to_vec(), header.value.of(text.as_bytes()).to_vec()))
                    }
                    _ => None,
                };
                assert_eq!(found, expected, "{text:?}");
            }
        }
    }
}
