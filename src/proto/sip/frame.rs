//! Messages of a stream, cut by Content-Length (RFC 3261 section 18.3), with a way back to the next message after a fault.

use super::header::HeaderName;
use super::scan::{Line, Lines};
use super::start;
use super::words::{decimal, line_end};
use memchr::memchr;

/// A larger Content-Length is not believed and counts as missing.
pub const MAX_BODY: usize = 1 << 20;

/// A header section that is longer than this is no SIP.
pub const MAX_HEAD: usize = 1 << 18;

/// A start line that is longer than this is no SIP.
const MAX_LINE: usize = 1 << 14;

/// What the first bytes of a stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes CR and LF: a keep-alive (RFC 5626 section 3.5.1) or the space between two messages. Skip them.
    Keepalive(usize),
    /// One message, so many bytes long.
    Message(usize),
    /// Not to be told before more bytes come.
    More,
    /// No SIP; skip so many bytes, to the next place where a message may begin.
    NotSip(usize),
}

/// Finds the message at the head of `bytes`, the bytes of a stream that were not consumed yet. `closed`: no more will come,
/// so whatever begins with a start line is a message, cut or not.
///
/// `scanned` is the caller's to keep between calls and means nothing to it: 0 for a new stream; `frame` sets it back to 0
/// with every answer but `More`. With it, calls with a growing buffer are linear in the bytes.
///
/// A message ends after Content-Length bytes of body. When that header is missing, is no number, exceeds [`MAX_BODY`] or says two things, the
/// body ends where the next line is a start line with a header behind it; it is empty when CR or LF follows, or when nothing follows and no
/// Content-Type promises a body. A start line among the headers ends a message whose end was lost.
pub fn frame(bytes: &[u8], closed: bool, scanned: &mut usize) -> Framing {
    let (answer, state) = match State::load(*scanned) {
        State::Head(from) => head(bytes, from, closed),
        State::Need(total) => need(bytes, total, closed),
        State::OpenBody(from) => open_body(bytes, from, closed),
    };
    *scanned = state.save();
    answer
}

/// How far the search got, kept by the caller in one number: the two top bits say which of the three it is.
enum State {
    /// The header section was searched up to here.
    Head(usize),
    /// The message is so long.
    Need(usize),
    /// Searching for the start line after a body of unknown length, from here on.
    OpenBody(usize),
}

const NEED: usize = 1 << (usize::BITS - 1);
const OPEN: usize = 1 << (usize::BITS - 2);
const DONE: State = State::Head(0);

impl State {
    fn load(number: usize) -> Self {
        match number {
            n if n & NEED != 0 => Self::Need(n & !NEED),
            n if n & OPEN != 0 => Self::OpenBody(n & !OPEN),
            n => Self::Head(n),
        }
    }

    fn save(self) -> usize {
        match self {
            Self::Head(n) => n,
            Self::Need(n) => n | NEED,
            Self::OpenBody(n) => n | OPEN,
        }
    }
}

fn head(bytes: &[u8], from: usize, closed: bool) -> (Framing, State) {
    if from == 0 {
        let keepalive = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if keepalive > 0 {
            return (Framing::Keepalive(keepalive), DONE);
        }
    }
    let (mut next, mut at) = (start::line_begin(bytes, from), from);
    while let Some(found) = bytes.get(at..).and_then(line_end) {
        let (begin, end) = (next, at + found);
        let line = bytes.get(begin..end).unwrap_or_default();
        at = end + 1;
        next = at;
        match (begin, start::is_start_line(line, true)) {
            (0, false) => return (resync(bytes, at, closed), DONE),
            (0, true) => {}
            (_, true) => return (Framing::Message(begin), DONE),
            (_, false) if matches!(line, b"" | b"\r") => return body(bytes, at, closed),
            (_, false) if at > MAX_HEAD => return (resync(bytes, at, closed), DONE),
            _ => {}
        }
    }
    unfinished_head(bytes, closed)
}

/// No blank line yet: wait, unless there is nothing to wait for.
fn unfinished_head(bytes: &[u8], closed: bool) -> (Framing, State) {
    let in_first_line = memchr(b'\n', bytes).is_none();
    let hopeless = bytes.len() > MAX_HEAD || in_first_line && (bytes.len() > MAX_LINE || !start::may_become(bytes));
    match (closed, in_first_line) {
        _ if bytes.is_empty() => (Framing::More, DONE),
        (true, true) if start::is_start_line(bytes, false) => (Framing::Message(bytes.len()), DONE),
        (true, false) => (Framing::Message(bytes.len()), DONE),
        (true, true) => (Framing::NotSip(bytes.len()), DONE),
        (false, _) if hopeless => (Framing::NotSip(bytes.len()), DONE),
        (false, _) => (Framing::More, State::Head(bytes.len())),
    }
}

fn body(bytes: &[u8], head: usize, closed: bool) -> (Framing, State) {
    let facts = Facts::read(bytes.get(..head).unwrap_or_default());
    if let Some(length) = facts.length {
        return need(bytes, head.saturating_add(length), closed);
    }
    match bytes.get(head) {
        None if !facts.typed => (Framing::Message(head), DONE),
        Some(b'\r' | b'\n') => (Framing::Message(head), DONE),
        _ => open_body(bytes, head, closed),
    }
}

fn need(bytes: &[u8], total: usize, closed: bool) -> (Framing, State) {
    match bytes.len() >= total {
        true => (Framing::Message(total), DONE),
        false if closed => (Framing::Message(bytes.len()), DONE),
        false => (Framing::More, State::Need(total)),
    }
}

fn open_body(bytes: &[u8], from: usize, closed: bool) -> (Framing, State) {
    let mut at = from;
    while let Some(next) = start::next_line(bytes, at) {
        // A body may quote a start line (RFC 3420): only one with headers behind it begins a message.
        let after = next + memchr(b'\n', bytes.get(next..).unwrap_or_default()).map_or(0, |end| end + 1);
        match start::is_header_at(bytes, after) {
            Some(true) => return (Framing::Message(next), DONE),
            None if !closed && bytes.len() - after <= MAX_LINE => return (Framing::More, State::OpenBody(after.saturating_sub(1))),
            _ => at = after,
        }
    }
    if closed || bytes.len() > MAX_HEAD + MAX_BODY {
        return (Framing::Message(bytes.len()), DONE);
    }
    (Framing::More, State::OpenBody(bytes.len()))
}

/// How far to skip from a line that is no start line: to one that is, or to a last line that may become one.
fn resync(bytes: &[u8], from: usize, closed: bool) -> Framing {
    if let Some(next) = start::next_line(bytes, from) {
        return Framing::NotSip(next);
    }
    let last = start::line_begin(bytes, bytes.len()).max(from);
    let open = bytes.get(last..).unwrap_or_default();
    let hopeful = !closed && open.len() <= MAX_LINE && start::may_become(open);
    Framing::NotSip(if hopeful { last } else { bytes.len() })
}

/// The two headers that framing looks at.
struct Facts {
    length: Option<usize>,
    disputed: bool,
    typed: bool,
}

impl Facts {
    fn read(head: &[u8]) -> Self {
        let mut facts = Self { length: None, disputed: false, typed: false };
        let mut lines = Lines::new(head, memchr(b'\n', head).map_or(head.len(), |end| end + 1));
        loop {
            // Names of the two begin with C or L, compact ones too.
            if lines.begins(|letter| letter.is_ascii_alphabetic() && !matches!(letter, b'c' | b'C' | b'l' | b'L')) {
                lines.skip();
                continue;
            }
            match lines.next_line() {
                Line::Header { header, .. } => facts.note(header.name, header.value.of(head)),
                Line::Junk => {}
                Line::Blank | Line::End => break,
            }
        }
        facts.length = facts.length.filter(|length| *length <= MAX_BODY && !facts.disputed);
        facts
    }

    fn note(&mut self, name: HeaderName, value: &[u8]) {
        match name {
            HeaderName::ContentLength => match (self.length, decimal(value).map(|length| length as usize)) {
                (None, first) => self.length = first,
                (Some(first), Some(second)) if first != second => self.disputed = true,
                _ => {}
            },
            HeaderName::ContentType => self.typed = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` in pieces of `step` bytes and lists what came out.
    fn cut(text: &str, step: usize) -> Vec<String> {
        let mut out = Vec::new();
        let (mut buffer, mut scanned) = (Vec::new(), 0);
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(step).collect();
        for (idx, piece) in pieces.iter().enumerate() {
            buffer.extend_from_slice(piece);
            drain(&mut buffer, idx + 1 == pieces.len(), &mut scanned, &mut out);
        }
        assert!(buffer.is_empty(), "left: {buffer:?}");
        out
    }

    fn drain(buffer: &mut Vec<u8>, closed: bool, scanned: &mut usize, out: &mut Vec<String>) {
        loop {
            let (mark, n) = match frame(buffer, closed, scanned) {
                Framing::More => return,
                Framing::Keepalive(n) => ("", n),
                Framing::Message(n) => ("+", n),
                Framing::NotSip(n) => ("-", n),
            };
            assert!(n > 0 && n <= buffer.len());
            assert_eq!(*scanned, 0);
            let bytes: Vec<u8> = buffer.drain(..n).collect();
            if !mark.is_empty() {
                out.push(format!("{mark}{}", String::from_utf8_lossy(&bytes)));
            }
        }
    }

    /// The same at every step size.
    fn messages(text: &str) -> Vec<String> {
        let all = cut(text, text.len());
        for step in 1..text.len() {
            let steps = cut(text, step);
            let of = |list: &[String]| list.iter().filter(|item| item.starts_with('+')).cloned().collect::<Vec<_>>();
            assert_eq!(of(&steps), of(&all), "in steps of {step}");
        }
        all
    }

    const A: &str = "INVITE sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nv=0\n";
    const B: &str = "SIP/2.0 200 OK\nl : 3\n\nxyz";

    const REAL: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a\r\nl: 0\r\n\r\n";

    #[test]
    fn messages_follow_each_other_with_and_without_keepalives() {
        assert_eq!(messages(&format!("{A}{B}\r\n\r\n{A}")), [format!("+{A}"), format!("+{B}"), format!("+{A}")]);
    }

    #[test]
    fn a_folded_length_is_read() {
        let text = "BYE sip:a SIP/2.0\r\nContent-Length:\r\n  2\r\n\r\nab";
        assert_eq!(messages(&format!("{text}{B}")), [format!("+{text}"), format!("+{B}")]);
    }

    #[test]
    fn without_length_the_next_start_line_ends_the_body() {
        for length in ["", "l: 4294967328\r\n", "l: -1\r\n", "l: 2000000\r\n"] {
            let text = format!("BYE sip:a SIP/2.0\r\n{length}c: a/b\r\n\r\nline\r\nline\r\n");
            assert_eq!(messages(&format!("{text}{B}")), [format!("+{text}"), format!("+{B}")]);
            let bare = format!("BYE sip:a SIP/2.0\r\n{length}\r\n");
            assert_eq!(messages(&format!("{bare}{B}")), [format!("+{bare}"), format!("+{B}")]);
        }
    }

    #[test]
    fn a_message_without_length_or_type_does_not_wait() {
        let mut scanned = 0;
        assert_eq!(frame(b"BYE sip:a SIP/2.0\r\n\r\n", false, &mut scanned), Framing::Message(21));
        assert_eq!(frame(b"BYE sip:a SIP/2.0\r\nc: a/b\r\n\r\n", false, &mut scanned), Framing::More);
    }

    #[test]
    fn text_between_messages_is_skipped_to_the_next_start_line() {
        assert_eq!(messages(&format!("{A}rest of a body\r\na=b\r\n{B}")).last(), Some(&format!("+{B}")));
        assert_eq!(messages("\0\x01\x02binary\r\n\x03"), ["-\0\x01\x02binary\r\n\x03"]);
    }

    #[test]
    fn a_start_line_among_headers_ends_the_message_before() {
        let lost = "INVITE sip:a SIP/2.0\r\nVia: x\r\n";
        assert_eq!(messages(&format!("{lost}{B}")), [format!("+{lost}"), format!("+{B}")]);
    }

    #[test]
    fn the_end_of_a_stream_gives_what_is_there() {
        for text in ["INVITE sip:a SIP/2.0\r\nContent-Length: 40\r\n\r\nv=0", "INVITE sip:a SIP/2.0\r\nVia: x", "INVITE sip:a SIP/2.0"] {
            assert_eq!(messages(text), [format!("+{text}")]);
        }
    }

    #[test]
    fn a_start_line_that_a_body_quotes_begins_no_message() {
        let quoting = "NOTIFY sip:a SIP/2.0\r\nc: message/sipfrag\r\n\r\nSIP/2.0 200 OK\r\nand more\r\n";
        assert_eq!(messages(&format!("{quoting}{REAL}")), [format!("+{quoting}"), format!("+{REAL}")]);
        let whole = "NOTIFY sip:a SIP/2.0\r\nl: 16\r\n\r\nSIP/2.0 200 OK\r\n";
        assert_eq!(messages(&format!("{whole}{REAL}")), [format!("+{whole}"), format!("+{REAL}")]);
    }

    /// Which length a receiver believes is not known: what lies between the two becomes part of the first message, unless a whole
    /// message begins there.
    #[test]
    fn two_lengths_that_differ_are_none() {
        let text = "BYE sip:a SIP/2.0\r\nl: 2\r\nContent-Length: 30\r\nc: a/b\r\n\r\nabforged\r\nSIP/2.0 200 OK\r\nno header\r\n";
        assert_eq!(messages(&format!("{text}{REAL}")), [format!("+{text}"), format!("+{REAL}")]);
        let same = "BYE sip:a SIP/2.0\r\nl: 2\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(messages(&format!("{same}{REAL}")), [format!("+{same}"), format!("+{REAL}")]);
    }

    #[test]
    fn nul_and_chunked_nonsense_cost_no_message_behind_them() {
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\nffffffffffffffff\r\n0\r\n\r\n";
        assert_eq!(messages(&format!("{REAL}{chunked}{REAL}")).iter().filter(|m| m.starts_with('+')).count(), 2);
        let nul = "BYE sip:ab SIP/2.0\r\nX: \0\r\nl: 2\r\n\r\n\0\0";
        assert_eq!(messages(&format!("{nul}{REAL}")), [format!("+{nul}"), format!("+{REAL}")]);
    }

    /// Searched again at every byte, 900 kB would be 400 GB.
    #[test]
    fn a_body_in_single_bytes_stays_linear() {
        for facts in ["c: a/b\r\n".to_owned(), format!("l: 1000000\r\n{}", "X: y\r\n".repeat(30_000))] {
            let mut text = format!("INVITE sip:a SIP/2.0\r\n{facts}\r\n").into_bytes();
            let head = text.len();
            text.extend(std::iter::repeat_n(b'z', 900_000));
            let begin = std::time::Instant::now();
            let mut scanned = 0;
            for end in head + 1..text.len() {
                assert_eq!(frame(&text[..end], false, &mut scanned), Framing::More);
            }
            assert!(begin.elapsed().as_secs() < 10);
        }
    }

    #[test]
    fn hopeless_bytes_are_given_up() {
        let mut scanned = 0;
        assert_eq!(frame(&vec![b'a'; MAX_LINE + 1], false, &mut scanned), Framing::NotSip(MAX_LINE + 1));
        let mut head = b"INVITE sip:a SIP/2.0\r\n".to_vec();
        head.extend(b"X: y\r\n".repeat(MAX_HEAD / 6));
        assert!(matches!(frame(&head, false, &mut scanned), Framing::NotSip(_)));
    }
}
