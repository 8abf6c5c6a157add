//! The first line of a message, which alone decides whether a payload is SIP.

use super::header::HeaderName;
use super::scan::Span;
use super::value::{is_token, trim};
use super::words::{decimal, line_end, mask, word};
use memchr::{memchr, memrchr};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// `SIP/2.0` in any letter case; the only version on any wire (RFC 3261 section 7.1).
const VERSION: &[u8] = b"SIP/2.0";

/// No method is longer; text whose first word is longer is no request.
const LONGEST_METHOD: usize = 32;

/// The parts of a start line (RFC 3261 sections 7.1 and 7.2) as places in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartLine {
    /// A request line.
    Request {
        /// The whole line without its end.
        line: Span,
        /// The method, any token.
        method: Span,
        /// The Request-URI as written, spaces inside it included.
        uri: Span,
    },
    /// A status line.
    Response {
        /// The whole line without its end.
        line: Span,
        /// 100 to 999; `None` when it is not three digits or the line was cut before them.
        status: Option<u16>,
        /// The reason phrase, often empty.
        reason: Span,
    },
}

impl Default for StartLine {
    fn default() -> Self {
        let nowhere = Span::default();
        Self::Response { line: nowhere, status: None, reason: nowhere }
    }
}

/// Does this payload begin, after any CR, LF and spaces, with a SIP start line? Any token is a method, the letter case of
/// `SIP/2.0` and extra spaces do not matter. A line without an end counts when `SIP/2.0` is visible in it. HTTP, SSDP and
/// RTSP name another version and do not count.
pub fn probe(bytes: &[u8]) -> bool {
    open(bytes).is_some()
}

/// The reason phrase of a message that is a response; empty for a request. Reads the start line alone.
pub fn reason(bytes: &[u8]) -> Cow<'_, str> {
    match open(bytes) {
        Some((StartLine::Response { reason, .. }, _)) => String::from_utf8_lossy(reason.of(bytes)),
        _ => Cow::Borrowed(""),
    }
}

/// The start line of a datagram, after leading white space, and where it ends (its LF excluded).
pub(super) fn open(bytes: &[u8]) -> Option<(StartLine, usize)> {
    let at = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let rest = bytes.get(at..)?;
    if !is_token(*rest.first()?) {
        return None;
    }
    let end = line_end(rest);
    let line = rest.get(..end.unwrap_or(rest.len()))?;
    let place = |part: &[u8]| Span::within(bytes, part);
    let whole = place(trim(line));
    let start = match parts(line, end.is_some())? {
        Parts::Request { method, uri } => StartLine::Request { line: whole, method: place(method), uri: place(uri) },
        Parts::Response { rest } => {
            let (code, reason) = rest.split_at_checked(rest.iter().take_while(|byte| byte.is_ascii_digit()).count())?;
            StartLine::Response { line: whole, status: status(code), reason: place(trim(reason)) }
        }
    };
    Some((start, at + line.len()))
}

/// The parts of a start line.
enum Parts<'a> {
    Request {
        method: &'a [u8],
        uri: &'a [u8],
    },
    /// What follows the version.
    Response {
        rest: &'a [u8],
    },
}

/// The parts of `line` (without its LF), if it is a start line. `ended`: an LF follows, so that the line is known to be whole.
fn parts(line: &[u8], ended: bool) -> Option<Parts<'_>> {
    if has_version(line) {
        return status_rest(line, ended).map(|rest| Parts::Response { rest });
    }
    request_parts(line).map(|(method, uri)| Parts::Request { method, uri })
}

/// Is `line` (without its LF) a start line? `ended`: an LF follows, so that the line is known to be whole.
#[inline]
pub(super) fn is_start_line(line: &[u8], ended: bool) -> bool {
    // Nearly no header ends as the version does.
    let last = line.strip_suffix(b"\r").unwrap_or(line).last();
    let may_be = matches!(line.first(), Some(b's' | b'S')) || last.is_some_and(|byte| *byte == b'0' || byte.is_ascii_whitespace());
    may_be && parts(line, ended).is_some()
}

/// Could more bytes make a start line of `prefix`, which holds no LF? Wrong only in the generous direction.
pub(super) fn may_become(prefix: &[u8]) -> bool {
    let head = prefix.get(..prefix.len().min(LONGEST_METHOD * 2)).unwrap_or(prefix);
    if head.len() <= VERSION.len() && VERSION.get(..head.len()).is_some_and(|version| head.eq_ignore_ascii_case(version)) {
        return true;
    }
    if has_version(head) {
        return true;
    }
    let method = head.iter().take_while(|byte| is_token(**byte)).count();
    let printable = head.iter().all(|byte| *byte >= 0x20 || matches!(byte, b'\t' | b'\r'));
    method > 0 && method <= LONGEST_METHOD && printable && head.get(method).is_none_or(|byte| is_blank(*byte))
}

/// May the last line of `bytes`, which has no end yet, become a start line with the bytes that follow?
pub fn may_go_on(bytes: &[u8]) -> bool {
    let line = bytes.get(line_begin(bytes, bytes.len())..).unwrap_or_default();
    !line.is_empty() && may_become(line)
}

/// Looks for a message anywhere in `bytes`: a start line with a header line that is known behind it. Gives where it begins, and from
/// where to look again when more bytes have come; begin with 0, and go on with that.
pub fn resume(bytes: &[u8], from: usize) -> (Option<usize>, usize) {
    let mut at = from;
    while let Some(line) = line_at(bytes, at) {
        let after = at + line.len() + 1;
        if is_start_line(line, true) {
            match is_header_at(bytes, after) {
                Some(true) => return (Some(at), at),
                Some(false) => {}
                None => break,
            }
        }
        at = after;
    }
    (None, at)
}

/// Whether the line at `at` is a header whose name is known; `None` while its end is not there.
pub(super) fn is_header_at(bytes: &[u8], at: usize) -> Option<bool> {
    let line = line_at(bytes, at)?;
    let name = line.iter().position(|byte| *byte == b':').and_then(|colon| line.get(..colon));
    Some(name.is_some_and(|name| HeaderName::of(trim(name)) != HeaderName::Other))
}

/// The line at `at` without its LF, once that is there.
fn line_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    rest.get(..memchr(b'\n', rest)?)
}

fn status(code: &[u8]) -> Option<u16> {
    let code = decimal(code).filter(|_| code.len() == 3)?;
    u16::try_from(code).ok().filter(|code| *code >= 100)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn has_version(line: &[u8]) -> bool {
    is_version(word(line, 0))
}

/// `SIP/2.0` are the first seven bytes of `word`.
fn is_version(word: u64) -> bool {
    (word | 0x20_2020) & mask(VERSION.len()) == u64::from_le_bytes(*b"sip/2.0\0")
}

/// What follows `SIP/2.0` in a status line: digits after at least one space. A cut line may stop right after the version.
fn status_rest(line: &[u8], ended: bool) -> Option<&[u8]> {
    let after = line.get(VERSION.len()..)?;
    let rest = trim(after);
    let spaced = after.first().is_some_and(|byte| is_blank(*byte));
    match rest.first() {
        Some(digit) if spaced && digit.is_ascii_digit() => Some(rest),
        None if !ended => Some(rest),
        _ => None,
    }
}

/// Method and Request-URI of `METHOD URI SIP/2.0`. The URI is all between the first and the last word, so that a space in
/// it (a fault that RFC 4475 section 3.1.2.8 shows) costs nothing.
fn request_parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = trim(line);
    let (before, version) = line.split_last_chunk::<8>()?;
    let [blank, ..] = *version;
    if !is_blank(blank) || !is_version(u64::from_le_bytes(*version) >> 8) {
        return None;
    }
    let method = before.iter().take(LONGEST_METHOD + 1).take_while(|byte| is_token(**byte)).count();
    let (method, uri) = before.split_at_checked(method)?;
    let spaced = uri.first().is_some_and(|byte| is_blank(*byte));
    let uri = trim(uri);
    (spaced && !method.is_empty() && method.len() <= LONGEST_METHOD && !uri.is_empty()).then_some((method, uri))
}

/// The offset of the first line that ends at or after `from` and is a start line. Only the line around `from` is looked at
/// again, and only once its end is there, so a search that goes on where it stopped is linear.
pub(super) fn next_line(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        let end = at + found;
        let begin = line_begin(bytes, end);
        if bytes.get(begin..end).is_some_and(|line| is_start_line(line, true)) {
            return Some(begin);
        }
        at = end + 1;
    }
    None
}

/// The offset of the line that `at` is in.
pub(super) fn line_begin(bytes: &[u8], at: usize) -> usize {
    memrchr(b'\n', bytes.get(..at).unwrap_or(bytes)).map_or(0, |lf| lf + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_responses_are_recognised() {
        for text in [
            "INVITE sip:bob@biloxi.com SIP/2.0\r\n",
            "INVITE sip:bob@biloxi.com SIP/2.0\n",
            "\r\n\r\n OPTIONS  sip:a   SIP/2.0  \r\n",
            "FOO-BAR urn:service:sos sip/2.0\r\n",
            "INVITE <sip:a b@c> SIP/2.0\r\n",
            "SIP/2.0 200 OK\r\n",
            "SIP/2.0 200\r\n",
            "SIP/2.0 4294967301 better not break the receiver\r\n",
            "INVITE sip:bob@biloxi.com SIP/2.0",
            "SIP/2.0 1",
            "SIP/2.0",
        ] {
            assert!(probe(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn other_protocols_are_not_sip() {
        for text in [
            "",
            "\r\n\r\n",
            "HTTP/1.1 200 OK\r\n",
            "GET / HTTP/1.1\r\n",
            "GET /sip:a SIP/2.0.html HTTP/1.1\r\n",
            "NOTIFY * HTTP/1.1\r\n",
            "DESCRIBE rtsp://a/b RTSP/1.0\r\n",
            "SIP/2.0\r\n",
            "SIP/2.0 OK\r\n",
            "SIP/2.0/UDP 10.0.0.1\r\n",
            "INVITE SIP/2.0\r\n",
            "Via: SIP/2.0\r\n",
            "INVITE sip:a SIP/2.",
            "\0\0\0\0INVITE sip:a SIP/2.0\r\n",
        ] {
            assert!(!probe(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn half_a_start_line_may_become_one() {
        for text in ["", "S", "SIP/2.0 2", "I", "INVITE", "INVITE sip:b"] {
            assert!(text.is_empty() || may_become(text.as_bytes()), "{text:?}");
        }
        for text in ["\x16\x03\x01", "a=rtpmap:0", "INVITE \0\0", "averyveryveryveryveryverylongfirstword"] {
            assert!(!may_become(text.as_bytes()), "{text:?}");
        }
    }
}
