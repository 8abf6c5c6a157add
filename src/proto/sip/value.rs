//! Header values cut at commas, semicolons and angle brackets, quoted strings respected (RFC 3261 sections 7.3.1 and 25.1).

use super::words::{find, find2, has_blank, hits};
use memchr::{memchr, memchr2, memchr3};
use std::borrow::Cow;
use std::ops::Range;

/// The characters of a token (RFC 3261 section 25.1).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// `bytes` without white space at either end; CR and LF count as white space.
pub fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// Bytes as text for people; what is no UTF-8 becomes U+FFFD. Nearly all is UTF-8, which is sooner told as a whole.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// A value with every line fold made one space (RFC 3261 section 7.3.1); borrowed when there is none.
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr2(b'\n', b'\r', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut text = Vec::with_capacity(value.len());
    for line in value.split(|byte| *byte == b'\n').map(trim).filter(|line| !line.is_empty()) {
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend(line.iter().map(|byte| if *byte == b'\r' { b' ' } else { *byte }));
    }
    Cow::Owned(text)
}

/// Finds bytes that stand outside quoted strings and angle brackets. A quote or bracket that is never closed is an ordinary
/// byte. Linear: once one is not closed, no later one is looked up.
#[derive(Clone)]
pub(super) struct Plain<'a> {
    bytes: &'a [u8],
    at: usize,
    quotes: bool,
    brackets: bool,
}

impl<'a> Plain<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, quotes: true, brackets: true }
    }

    /// The offset of the next `mark` outside. A `<` is found before its content is skipped.
    pub(super) fn find(&mut self, mark: u8) -> Option<usize> {
        loop {
            let at = self.at + memchr3(mark, b'"', b'<', self.bytes.get(self.at..)?)?;
            let byte = *self.bytes.get(at)?;
            self.at = at + 1;
            match byte {
                b'"' if self.quotes => self.skip_quoted(),
                b'<' if self.brackets => self.skip_bracket(),
                _ => {}
            }
            if byte == mark {
                return Some(at);
            }
        }
    }

    /// After a `<` was found: the offset of its `>`, or `None` when it is never closed.
    pub(super) fn bracket_end(&self) -> Option<usize> {
        if self.brackets { self.at.checked_sub(1) } else { None }
    }

    fn skip_quoted(&mut self) {
        let mut at = self.at;
        while let Some(found) = self.bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            at += found + 1;
            if self.bytes.get(at - 1) == Some(&b'"') {
                self.at = at;
                return;
            }
            at += 1; // the escaped character, whatever it is
        }
        self.quotes = false;
    }

    fn skip_bracket(&mut self) {
        match self.bytes.get(self.at..).and_then(|rest| memchr(b'>', rest)) {
            Some(found) => self.at += found + 1,
            None => self.brackets = false,
        }
    }
}

/// The pieces between `mark`s that stand outside quotes and brackets, trimmed, empty ones left out.
#[derive(Clone)]
struct Pieces<'a> {
    plain: Plain<'a>,
    mark: u8,
    begin: Option<usize>,
}

impl<'a> Pieces<'a> {
    fn new(value: &'a [u8], mark: u8) -> Self {
        Self { plain: Plain::new(value), mark, begin: Some(0) }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while let Some(from) = self.begin {
            let end = self.plain.find(self.mark);
            self.begin = end.map(|at| at + 1);
            let bytes = self.plain.bytes;
            let piece = trim(bytes.get(from..end.unwrap_or(bytes.len())).unwrap_or_default());
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    }
}

/// The elements of a comma list, trimmed, empty ones left out. Commas in quotes and in `<>` do not part.
pub(super) fn split_commas(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    Pieces::new(value, b',')
}

/// The value is one element in which nothing is quoted and nothing in brackets.
pub(super) fn is_plain(value: &[u8]) -> bool {
    memchr3(b',', b'"', b'<', value).is_none()
}

/// `text` up to the first blank or comma.
pub(super) fn first_word(text: &[u8]) -> &[u8] {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    let (words, _) = text.as_chunks::<8>();
    let plain = words.iter().map(|word| u64::from_le_bytes(*word)).take_while(|word| !has_blank(*word) && hits(*word, b',') == 0);
    let from = plain.count() * 8;
    let end = text.get(from..).and_then(|rest| rest.iter().position(ends)).map_or(text.len(), |at| from + at);
    text.get(..end).unwrap_or(text)
}

/// The first element of a comma list; empty when there is none.
pub(super) fn first_element(value: &[u8]) -> &[u8] {
    if is_plain(value) {
        return trim(value);
    }
    Pieces::new(value, b',').next().unwrap_or_default()
}

/// The parameters `;name=value` of a header value or URI, in order; blanks around `;` and `=` do not matter.
/// A value keeps its quotes; a parameter without `=` has none.
#[derive(Clone)]
pub struct Params<'a>(Pieces<'a>);

impl<'a> Params<'a> {
    /// Reads `text`, which begins with `;` or with the first parameter.
    pub fn new(text: &'a [u8]) -> Self {
        Self(Pieces::new(text, b';'))
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(name_and_value)
    }
}

fn name_and_value(piece: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b'=', piece).and_then(|at| piece.split_at_checked(at)) {
        Some((name, value)) => (trim(name), value.get(1..).map(trim)),
        None => (piece, None),
    }
}

/// The value of parameter `name` (any letter case) in `text`; the first that has a value. Allocates nothing.
pub(super) fn param<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    if find2(text, b'"', b'<').is_none() {
        return plain_param(text, name);
    }
    let mut values = Params::new(text);
    values.find_map(|(found, value)| value.filter(|value| !value.is_empty() && found.eq_ignore_ascii_case(name.as_bytes())))
}

/// [`param`] where no quote and no bracket hides a semicolon, as nearly always.
pub(super) fn plain_param<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut from = 0;
    while let Some(rest) = text.get(from..) {
        let end = find(rest, b';');
        let piece = rest.get(..end.unwrap_or(rest.len()))?;
        let value = value_of(piece.trim_ascii_start(), name.as_bytes());
        if value.is_some() {
            return value;
        }
        from += end? + 1;
    }
    None
}

/// The value of `name=value`, unless it is empty or the name is another.
#[inline]
fn value_of<'a>(piece: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    if piece.first().map(u8::to_ascii_lowercase) != name.first().map(u8::to_ascii_lowercase) {
        return None;
    }
    let (found, rest) = piece.split_at_checked(name.len())?;
    if found != name && !found.eq_ignore_ascii_case(name) {
        return None;
    }
    let (equals, value) = rest.trim_ascii_start().split_first()?;
    Some(trim(value)).filter(|value| *equals == b'=' && !value.is_empty())
}

/// Where the parts of a `name-addr` or `addr-spec` with parameters stand (RFC 3261 section 20.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) display: Range<usize>,
    pub(super) uri: Range<usize>,
    pub(super) params: Range<usize>,
    pub(super) bracketed: bool,
    pub(super) closed: bool,
}

/// Cuts an address value. Without brackets all after the URI's first `;` are header parameters (section 20). When `>` is
/// missing the same is assumed, so that the tag, which names the dialog, is found in spite of the fault.
pub(super) fn parts(value: &[u8]) -> Parts {
    // A bracket before any quote.
    if let Some(at) = find2(value, b'<', b'"').filter(|at| value.get(*at) == Some(&b'<'))
        && let Some(len) = value.get(at + 1..).and_then(|rest| find(rest, b'>'))
    {
        let end = at + 1 + len;
        return Parts { display: 0..at, uri: at + 1..end, params: end + 1..value.len(), bracketed: true, closed: true };
    }
    let mut plain = Plain::new(value);
    let bracket = plain.find(b'<');
    let (begin, bracketed) = bracket.map_or((0, false), |at| (at + 1, true));
    if bracketed && let Some(end) = plain.bracket_end() {
        return Parts { display: 0..begin - 1, uri: begin..end, params: end + 1..value.len(), bracketed, closed: true };
    }
    let end = begin + bare_uri_len(value.get(begin..).unwrap_or_default());
    Parts { display: 0..begin.saturating_sub(1), uri: begin..end, params: end..value.len(), bracketed, closed: !bracketed }
}

/// The length of a URI that no bracket closes: to the first `;`, but not to one inside the user part (`+1;npdi@host`).
fn bare_uri_len(text: &[u8]) -> usize {
    let Some(first) = memchr(b';', text) else {
        return text.len();
    };
    let Some(at) = memchr(b'@', text).filter(|at| *at > first) else {
        return first;
    };
    let user = text.get(first..at).unwrap_or_default();
    if param(user, "tag").is_some() {
        return first;
    }
    text.get(at..).and_then(|host| memchr(b';', host)).map_or(text.len(), |end| at + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commas(text: &str) -> Vec<String> {
        split_commas(text.as_bytes()).map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_part() {
        assert_eq!(commas(r#""a, b" <sip:x,y@z> ;q=1 , <sip:c>,,sip:d "#), [r#""a, b" <sip:x,y@z> ;q=1"#, "<sip:c>", "sip:d"]);
        assert_eq!(commas(r#""a \", b" <sip:x>"#), [r#""a \", b" <sip:x>"#]);
        assert_eq!(commas(""), [""; 0]);
    }

    #[test]
    fn an_open_quote_or_bracket_is_an_ordinary_character() {
        assert_eq!(commas(r#"a "b, c"#), [r#"a "b"#, "c"]);
        assert_eq!(commas("<sip:a, <sip:b"), ["<sip:a", "<sip:b"]);
    }

    #[test]
    fn folds_become_one_space() {
        assert_eq!(unfold(b"a\r\n \tb\n c").as_ref(), b"a b c");
        assert!(matches!(unfold(b"a b"), Cow::Borrowed(_)));
    }

    #[test]
    fn parameters_are_read_around_blanks_and_quotes() {
        let all: Vec<_> = Params::new(b"; a = 1 ;b;c=\";d=2\";TAG\r\n =x").collect();
        assert_eq!(all, [(&b"a"[..], Some(&b"1"[..])), (b"b", None), (b"c", Some(b"\";d=2\"")), (b"TAG", Some(b"x"))]);
        assert_eq!(param(b";a=1;TAG = q", "tag"), Some(&b"q"[..]));
        assert_eq!(param(b";tag=", "tag"), None);
    }

    #[test]
    fn many_open_quotes_stay_linear() {
        let hostile = b"\"\\".repeat(200_000);
        let begin = std::time::Instant::now();
        assert_eq!(split_commas(&hostile).count(), 1);
        assert!(begin.elapsed().as_secs() < 5);
    }
}
