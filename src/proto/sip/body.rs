//! Bodies: media types and the parts of a multipart body (RFC 2046 section 5.1.1, RFC 5621).

use super::header::HeaderName;
use super::scan::{Line, Lines};
use super::value::Params;
use memchr::{memchr, memmem};

/// The media type of a Content-Type value: lower case, blanks and parameters left out. `None` when it is empty.
pub(super) fn media_type(value: &[u8]) -> Option<String> {
    let end = memchr(b';', value).unwrap_or(value.len());
    let text: String = String::from_utf8_lossy(value.get(..end)?).split_ascii_whitespace().collect();
    (!text.is_empty()).then(|| text.to_ascii_lowercase())
}

/// The first body or body part of type `wanted`. Parts inside parts are looked into as well, up to a depth of four.
pub(super) fn part<'a>(content_type: Option<&[u8]>, body: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    find(content_type, body, wanted, 4)
}

fn find<'a>(content_type: Option<&[u8]>, body: &'a [u8], wanted: &str, depth: u8) -> Option<&'a [u8]> {
    if body.is_empty() {
        return None;
    }
    if content_type.is_some_and(|value| is_plainly(value, wanted)) {
        return Some(body);
    }
    let Some(found) = content_type.and_then(media_type) else {
        return (wanted == "application/sdp" && body.starts_with(b"v=0")).then_some(body);
    };
    if found == wanted {
        return Some(body);
    }
    if depth == 0 || !found.starts_with("multipart/") {
        return None;
    }
    let boundary = boundary(content_type?)?;
    Parts { rest: after_delimiter(body, &boundary), boundary }.find_map(|part| {
        let (content_type, body) = split_part(part);
        find(content_type, body, wanted, depth - 1)
    })
}

/// The value names this media type without blanks inside, as nearly always.
fn is_plainly(value: &[u8], wanted: &str) -> bool {
    let (named, rest) = value.split_at(value.len().min(wanted.len()));
    named.eq_ignore_ascii_case(wanted.as_bytes()) && matches!(rest.trim_ascii_start(), [] | [b';', ..])
}

/// `--boundary`, quotes undone.
fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    let params = content_type.get(memchr(b';', content_type)?..)?;
    let (_, value) = Params::new(params).find(|(name, _)| name.eq_ignore_ascii_case(b"boundary"))?;
    let value = value?;
    let value = value.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(value);
    (!value.is_empty()).then(|| [b"--", value].concat())
}

struct Parts<'a> {
    rest: Option<&'a [u8]>,
    boundary: Vec<u8>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let Some((at, end)) = delimiter(rest, &self.boundary) else {
            self.rest = None;
            return Some(rest); // the last delimiter is missing, as in a cut body
        };
        let closing = rest.get(end..).is_some_and(|after| after.starts_with(b"--"));
        self.rest = if closing { None } else { rest.get(end..).map(after_line) };
        let part = rest.get(..at).unwrap_or_default();
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        Some(part.strip_suffix(b"\r").unwrap_or(part))
    }
}

/// Where a delimiter begins and ends: at the beginning of a line only.
fn delimiter(body: &[u8], boundary: &[u8]) -> Option<(usize, usize)> {
    let begins = |at: &usize| at.checked_sub(1).is_none_or(|before| body.get(before) == Some(&b'\n'));
    let at = memmem::find_iter(body, boundary).find(begins)?;
    Some((at, at + boundary.len()))
}

fn after_delimiter<'a>(body: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    let (_, end) = delimiter(body, boundary)?;
    body.get(end..).map(after_line)
}

fn after_line(bytes: &[u8]) -> &[u8] {
    memchr(b'\n', bytes).and_then(|end| bytes.get(end + 1..)).unwrap_or_default()
}

/// The Content-Type and the content of one part.
fn split_part(part: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut lines = Lines::new(part, 0);
    let mut content_type = None;
    loop {
        match lines.next_line() {
            Line::Header { header, .. } if header.name == HeaderName::ContentType => content_type = Some(header.value.of(part)),
            Line::Header { .. } | Line::Junk => {}
            Line::Blank | Line::End => return (content_type, part.get(lines.at..).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "preamble\r\n--b1\r\nContent-Type: application/pidf+xml\r\n\r\n<x>--b1</x>\r\n--b1\r\n\
        content-type: APPLICATION/SDP; charset=utf-8\r\nContent-ID: <1>\r\n\r\nv=0\r\ns=-\r\n\r\n--b1--\r\nend";

    fn sdp(content_type: &str, body: &str) -> Option<String> {
        let type_of = (!content_type.is_empty()).then_some(content_type.as_bytes());
        part(type_of, body.as_bytes(), "application/sdp").map(|part| String::from_utf8_lossy(part).into_owned())
    }

    #[test]
    fn the_session_description_of_a_multipart_body_is_found() {
        for content_type in ["multipart/mixed;boundary=b1", "Multipart/Related; type=\"a;b\"; Boundary=\"b1\""] {
            assert_eq!(sdp(content_type, MIXED).as_deref(), Some("v=0\r\ns=-\r\n"));
        }
        assert_eq!(sdp("multipart/mixed", MIXED), None);
    }

    #[test]
    fn a_cut_multipart_body_gives_the_part_so_far() {
        assert_eq!(sdp("multipart/mixed;boundary=b1", "--b1\r\nc: application/sdp\r\n\r\nv=0\r\ns").as_deref(), Some("v=0\r\ns"));
    }

    #[test]
    fn a_plain_body_is_taken_by_its_type() {
        assert_eq!(sdp("application/SDP ; x=y", "v=0\n").as_deref(), Some("v=0\n"));
        assert_eq!(sdp("", "v=0\n").as_deref(), Some("v=0\n"));
        assert_eq!(sdp("", "hello"), None);
        assert_eq!(sdp("text/plain", "v=0\n"), None);
    }
}
