//! Faults of addresses and URIs against the grammar (RFC 3261 sections 20.10 and 25.1), and whether a tolerant reader gets over them.

use crate::proto::sip::{Brackets, HeaderName, Host, NameAddr, Scheme, Uri};
use memchr::{memchr, memchr_iter, memchr2, memchr3};

/// A fault.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// What findings are grouped by.
    pub kind: &'static str,
    /// What stands behind the header's name.
    pub says: String,
    /// A tolerant reader still finds the URI and the tag.
    pub recovers: bool,
}

impl Fault {
    fn new(kind: &'static str, says: &str, recovers: bool) -> Self {
        Self { kind, says: says.to_owned(), recovers }
    }

    /// The fault of a URI, if it has one.
    pub fn of_uri(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let known = ["sip", "sips", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        if known && rest.starts_with([' ', '\t']) {
            return Some(Self::new("blank", &format!("has a blank behind '{scheme}:'"), true));
        }
        let (_, headers) = uri.split_once('?')?;
        let reason = headers.split('&').find(|header| header.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("reason=")))?;
        let raw = reason.chars().find(|c| matches!(c, ';' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}'))?;
        Some(Self::new("raw Reason", &format!("has a raw '{raw}' in the Reason of a URI"), true))
    }
}

/// The line of an address header surely has none of the faults below: one address behind a quoted name, if any, with one pair of brackets
/// or none, neither lists nor headers in it, and nothing in the brackets that may be a tag or a blank. Nearly all lines are so.
pub fn is_plain(line: &[u8]) -> bool {
    match line.strip_prefix(b"\"").and_then(|rest| rest.split_at_checked(memchr(b'"', rest)?)) {
        Some((name, rest)) => {
            let address = rest.get(1..).unwrap_or_default().trim_ascii_start();
            memchr3(b'\\', b'<', b'>', name).is_none() && address.starts_with(b"<") && is_plain_address(address)
        }
        None => is_plain_address(line),
    }
}

/// All elements of a list are so.
pub fn are_plain(line: &[u8]) -> bool {
    let elements = || line.split(|byte| *byte == b',').all(|element| is_plain_address(element.trim_ascii()));
    is_plain(line) || (memchr(b'"', line).is_none() && elements())
}

fn is_plain_address(line: &[u8]) -> bool {
    if memchr3(b'"', b',', b'?', line).is_some() {
        return false;
    }
    let has_blank = |part: &[u8]| memchr2(b' ', b'\t', part).is_some();
    let Some(open) = memchr2(b'<', b'>', line) else { return !has_blank(line) };
    let Some((b"<", rest)) = line.get(open..).and_then(|rest| rest.split_at_checked(1)) else { return false };
    let Some((within, behind)) = memchr(b'>', rest).and_then(|close| rest.split_at_checked(close)) else { return false };
    let is_alone = memchr(b'<', within).is_none() && memchr2(b'<', b'>', behind.get(1..).unwrap_or_default()).is_none();
    is_alone && !has_blank(within) && !has_tag(within)
}

/// Something in it may be a parameter `tag`.
fn has_tag(uri: &[u8]) -> bool {
    memchr_iter(b';', uri).any(|at| uri.get(at + 1..at + 4).is_some_and(|name| name.eq_ignore_ascii_case(b"tag")))
}

/// The first fault of one line of a header with addresses; the others often follow from it.
pub fn faults(line: &str, name: HeaderName) -> Option<Fault> {
    let recovers = || elements(line).iter().all(|element| is_read(element, name));
    if let Some(open) = unbalanced(line) {
        return Some(match open {
            '<' => Fault::new("open bracket", "opens '<' and does not close it", false),
            '>' => Fault::new("closing bracket", "closes '>' that is not open", recovers()),
            _ => Fault::new("open quote", "does not close a quote", recovers()),
        });
    }
    let of_element = |element: &&str| {
        let address = NameAddr::parse(element);
        let dialog = matches!(name, HeaderName::From | HeaderName::To);
        let tag_within = dialog && address.brackets == Brackets::Closed && address.uri().has_param("tag") && address.param("tag").is_none();
        match tag_within {
            true => Some(Fault::new("tag", "has the tag within the URI", false)),
            false => Fault::of_uri(address.uri),
        }
    };
    elements(line).iter().find_map(of_element)
}

/// Several values of a header that has one: lines, and elements of a line.
pub fn several(lines: &[String], name: HeaderName) -> Option<Fault> {
    let values: Vec<&str> = match name {
        HeaderName::From | HeaderName::To => {
            lines.iter().filter(|line| unbalanced(line).is_none()).flat_map(|line| elements(line)).collect()
        }
        _ => lines.iter().flat_map(|line| line.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect(),
    };
    let (first, rest) = values.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let is_name = lines.len() == 1 && !first.contains([':', '<', '>']);
    if is_name && matches!(name, HeaderName::From | HeaderName::To) {
        let recovers = lines.first().is_some_and(|line| is_read(line, name));
        return Some(Fault::new("comma", "has a comma in a display name without quotes", recovers));
    }
    let alike = rest.iter().all(|value| value == first);
    Some(Fault::new("several", &format!("has {} values, where one is allowed", values.len()), alike))
}

/// What is open at the end of a line, or closed that was not open: `<`, `>` or `"`.
fn unbalanced(line: &str) -> Option<char> {
    let (mut quoted, mut escaped, mut bracket) = (false, false, false);
    for c in line.chars() {
        match (c, quoted, bracket) {
            _ if escaped => escaped = false,
            ('\\', true, _) => escaped = true,
            ('"', _, false) => quoted = !quoted,
            ('<', false, true) => return Some('<'),
            ('<', false, false) => bracket = true,
            ('>', false, true) => bracket = false,
            ('>', false, false) => return Some('>'),
            _ => {}
        }
    }
    match (quoted, bracket) {
        (true, _) => Some('"'),
        (_, true) => Some('<'),
        _ => None,
    }
}

/// The elements of a line, parted at commas outside quotes and brackets; an open quote or bracket parts nothing.
fn elements(line: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut bracket, mut from) = (false, false, false, 0);
    let mut elements = Vec::new();
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !bracket => quoted = !quoted,
            '<' if !quoted => bracket = true,
            '>' if !quoted => bracket = false,
            ',' if !quoted && !bracket => {
                elements.push(line.get(from..at).unwrap_or_default().trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    elements.push(line.get(from..).unwrap_or_default().trim());
    elements.retain(|element| !element.is_empty());
    elements
}

/// A tolerant reader finds a URI with a host, and the tag where there is one.
fn is_read(element: &str, name: HeaderName) -> bool {
    let address = NameAddr::parse(element);
    let uri: Uri<'_> = address.uri();
    let host = match uri.host {
        Host::V4(_) | Host::V6(_) => true,
        Host::Name(name) => name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')),
        Host::None => matches!(uri.scheme, Scheme::Tel | Scheme::Urn),
    };
    let dialog = matches!(name, HeaderName::From | HeaderName::To);
    let tag = !dialog || !element.contains("tag=") || address.param("tag").is_some();
    address.brackets != Brackets::Unclosed && uri.scheme != Scheme::Other("") && host && tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> Option<(&'static str, bool)> {
        faults(line, HeaderName::From).map(|fault| (fault.kind, fault.recovers))
    }

    #[test]
    fn slips_of_the_printed_samples_are_named() {
        for (line, fault) in [
            ("<sip:+1@a;tag=1", ("open bracket", false)),
            ("<sip:+1@a;tag=1>", ("tag", false)),
            ("sip:+1@a>;tag=1", ("closing bracket", false)),
            ("<sip:+1@a>>;tag=1", ("closing bracket", true)),
            ("\"A <sip:+1@a>;tag=1", ("open quote", true)),
            ("<SIP: 68712781@a>;tag=1", ("blank", true)),
            ("<sip:+1@a?Reason=SIP;cause=302>;tag=1", ("raw Reason", true)),
            ("<sip:+1@a?x=1&Reason=SIP%3Btext%3D\u{201c}Busy\u{201d}>;tag=1", ("raw Reason", true)),
        ] {
            assert_eq!(kind(line), Some(fault), "{line}");
        }
    }

    #[test]
    fn what_the_grammar_allows_is_no_fault() {
        for line in [
            "sip:+1@a;tag=1",
            "<sip:+1@a;user=phone>;tag=1",
            "\"A \\\"B\\\" <c>, d\" <sip:+1@a>;tag=1",
            "<sip:+1@a?Reason=SIP%3Bcause%3D302>;index=1",
            "<sip:a>, \"x, y\" <sip:b>",
            "tel:+1;ext=2",
            "*",
            "",
        ] {
            assert_eq!(kind(line), None, "{line}");
        }
    }

    #[test]
    fn a_plain_line_has_no_fault() {
        let pieces =
            ["", "<", ">", "sip:+1@a", "SIP: a", ";tag=1", ";TAG=2", "\"", ",", "?Reason=SIP;cause=302", " ", "A ", "\\", "ü", "*", ";lr"];
        let mut plain = 0;
        for parts in (0..pieces.len().pow(4)).map(|n| [n, n / 16, n / 256, n / 4_096].map(|n| pieces[n % 16])) {
            let line = parts.concat();
            if is_plain(line.trim().as_bytes()) {
                plain += 1;
                assert_eq!(faults(line.trim(), HeaderName::From), None, "{line}");
                assert_eq!(several(&[line.trim().to_owned()], HeaderName::From), None, "{line}");
            }
            if are_plain(line.trim().as_bytes()) {
                assert_eq!(faults(line.trim(), HeaderName::HistoryInfo), None, "{line}");
            }
        }
        assert!(plain > 100, "{plain}");
        assert!(is_plain(b"\"Ann B\" <sip:a@b>;tag=1") && are_plain(b"<tel:+1>, <sip:+1@a;user=phone>") && !is_plain(b"<a>, <b>"));
        assert!(is_plain(b"Ann <sip:+1@sbc.example:5061;transport=tls;lr>;tag=7"));
    }

    #[test]
    fn several_values_are_worse_when_they_differ() {
        let of = |lines: &[&str], name| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            several(&lines, name).map(|fault| (fault.kind, fault.recovers))
        };
        assert_eq!(of(&["70", "70"], HeaderName::MaxForwards), Some(("several", true)));
        assert_eq!(of(&["70, 69"], HeaderName::MaxForwards), Some(("several", false)));
        assert_eq!(of(&["<sip:a>;tag=1, <sip:b>"], HeaderName::From), Some(("several", false)));
        assert_eq!(of(&["Smith, John <sip:a@b>;tag=1"], HeaderName::From), Some(("comma", true)));
        assert_eq!(of(&["\"Smith, John\" <sip:a@b>;tag=1"], HeaderName::From), None);
        assert_eq!(of(&["a@b"], HeaderName::CallId), None);
    }
}
