//! The view: a message as questions about it, answered from text and index without a copy where that is possible.

use super::body;
use super::header::HeaderName;
use super::method::Method;
use super::scan::{Header, HeaderIndex, Span};
use super::start::StartLine;
use super::value::{self, lossy, unfold};
use super::via;
use super::words::decimal;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A message: its text and the index that [`super::scan`] made of it.
///
/// Identifiers (Call-ID, tags, branch, CSeq) that reach the end of a cut message are not given: half an identifier is another one.
#[derive(Debug, Clone, Copy)]
pub struct Sip<'a> {
    /// The bytes that were scanned.
    pub text: &'a [u8],
    /// Where everything is in them.
    pub index: &'a HeaderIndex,
}

impl<'a> Sip<'a> {
    /// Is this a request?
    pub fn is_request(&self) -> bool {
        matches!(self.index.start, StartLine::Request { .. })
    }

    /// The method of a request; for a response that of its CSeq.
    pub fn method(&self) -> Method {
        Method::of(self.method_text())
    }

    /// The text of [`Sip::method`]; empty for a response without CSeq.
    pub fn method_text(&self) -> &'a [u8] {
        match self.index.start {
            StartLine::Request { method, .. } => method.of(self.text),
            StartLine::Response { .. } => self.cseq_parts().map_or(&[], |(_, method)| method),
        }
    }

    /// The status code of a response, 100 to 999; `None` for a request or a code that is not three digits.
    pub fn status(&self) -> Option<u16> {
        match self.index.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => status,
        }
    }

    /// The reason phrase of a response, often empty.
    pub fn reason(&self) -> Cow<'a, str> {
        match self.index.start {
            StartLine::Request { .. } => Cow::Borrowed(""),
            StartLine::Response { reason, .. } => String::from_utf8_lossy(reason.of(self.text)),
        }
    }

    /// The Request-URI as written; `None` for a response.
    pub fn request_uri(&self) -> Option<&'a [u8]> {
        match self.index.start {
            StartLine::Request { uri, .. } => Some(uri.of(self.text)),
            StartLine::Response { .. } => None,
        }
    }

    /// The start line without its end.
    pub fn start_line(&self) -> &'a [u8] {
        match self.index.start {
            StartLine::Request { line, .. } | StartLine::Response { line, .. } => line.of(self.text),
        }
    }

    /// The Call-ID.
    pub fn call_id(&self) -> Option<&'a [u8]> {
        self.whole(self.raw(HeaderName::CallId)?)
    }

    /// The number and method of the CSeq. `None` when the number does not fit in 32 bits.
    pub fn cseq(&self) -> Option<(u32, &'a [u8])> {
        let (number, method) = self.cseq_parts()?;
        Some((number?, self.whole(method)?))
    }

    /// The tag of the From.
    pub fn from_tag(&self) -> Option<&'a [u8]> {
        self.tag(HeaderName::From)
    }

    /// The tag of the To.
    pub fn to_tag(&self) -> Option<&'a [u8]> {
        self.tag(HeaderName::To)
    }

    /// The branch of the top Via.
    pub fn branch(&self) -> Option<&'a [u8]> {
        let value = self.raw(HeaderName::Via)?;
        self.whole(match value::is_plain(value) {
            true => value::plain_param(via::params(value), "branch")?,
            false => value::param(via::params(value::first_element(value)), "branch")?,
        })
    }

    /// The transport that the top Via names, as written, such as `TLS`.
    pub fn via_transport(&self) -> Option<&'a [u8]> {
        let (transport, _) = via::protocol(self.top_via()?);
        Some(transport).filter(|transport| !transport.is_empty())
    }

    /// The value of the first header of this kind, unfolded and trimmed.
    pub fn first(&self, name: HeaderName) -> Option<Cow<'a, [u8]>> {
        self.raw(name).map(unfold)
    }

    /// Where the value of the first header of this kind stands in the text, folds inside.
    pub fn place(&self, name: HeaderName) -> Option<Span> {
        self.index.first(name).map(|header| header.value)
    }

    /// Does the first header of this kind begin with this word, which has no blank in it?
    pub fn begins(&self, name: HeaderName, word: &[u8]) -> bool {
        self.raw(name).is_some_and(|value| value.starts_with(word))
    }

    /// Is there a header of this kind, empty or not?
    pub fn has(&self, name: HeaderName) -> bool {
        self.index.first(name).is_some()
    }

    /// The values of all lines of this kind in order, unfolded and trimmed.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = Cow<'a, [u8]>> + use<'a> {
        let text = self.text;
        self.index.headers.iter().filter(move |header| header.name == name).map(move |header| unfold(header.value.of(text)))
    }

    /// The elements of a list header: repeated lines joined in order (RFC 3261 section 7.3.1), parted at commas outside quotes
    /// and brackets, unfolded, empty ones left out. Not for Date, Subject and credentials, whose commas part nothing.
    pub fn values(&self, name: HeaderName) -> Vec<Cow<'a, [u8]>> {
        let lines = self.index.headers.iter().filter(|header| header.name == name);
        lines.flat_map(|header| value::split_commas(header.value.of(self.text))).map(unfold).collect()
    }

    /// The same without the last element where the headers end inside it: half a value is another one.
    pub fn whole_values(&self, name: HeaderName) -> Vec<Cow<'a, [u8]>> {
        let mut values = self.values(name);
        let ends_inside = self.head_cut() && !self.text.ends_with(b"\n");
        if ends_inside && self.index.headers.last().is_some_and(|header| header.name == name) {
            values.pop();
        }
        values
    }

    /// The elements of [`Sip::whole_values`] as text. Nearly always there is one, as the line has it.
    pub fn texts(&self, name: HeaderName) -> SmallVec<[Cow<'a, str>; 2]> {
        let Some(first) = self.raw(name) else { return SmallVec::new() };
        let lines = self.index.headers.iter().filter(|header| header.name == name).count();
        let is_half = self.index.headers.last().is_some_and(|header| header.name == name) && self.head_cut();
        match lines == 1 && !is_half && !first.is_empty() && !first.iter().any(|byte| matches!(byte, b',' | b'\n' | b'\r')) {
            true => SmallVec::from_iter([lossy(first)]),
            false => self.whole_values(name).into_iter().map(to_text).collect(),
        }
    }

    /// The value of the first header called `name`, any header, long or compact name in any letter case.
    pub fn named(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.all_named(name).next()
    }

    /// The values of all headers called `name`, as [`Sip::named`].
    pub fn all_named<'n>(&self, name: &'n str) -> impl Iterator<Item = Cow<'a, [u8]>> + use<'a, 'n> {
        let (text, kind) = (self.text, HeaderName::of(name.as_bytes()));
        let same = move |header: &&Header| match kind {
            HeaderName::Other => header.name == kind && header.name_text(text).eq_ignore_ascii_case(name.as_bytes()),
            _ => header.name == kind,
        };
        self.index.headers.iter().filter(same).map(move |header| unfold(header.value.of(text)))
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.index.body.of(self.text)
    }

    /// The blank line that ends the headers is not there: some of them may be missing.
    pub fn head_cut(&self) -> bool {
        let head = self.text.get(..self.index.body.at as usize).unwrap_or_default();
        !(head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n"))
    }

    /// The last header line is one of this kind and has no end: its value may be half a value.
    pub fn is_half(&self, name: HeaderName) -> bool {
        let last = self.index.headers.last();
        last.is_some_and(|header| header.name == name) && self.head_cut() && !self.text.ends_with(b"\n")
    }

    /// Content-Length says more than there is.
    pub fn body_cut(&self) -> bool {
        self.index.content_length.is_some_and(|length| length > self.index.body.len)
    }

    /// The media type of the body in lower case, without parameters: `application/sdp`.
    pub fn content_type(&self) -> Option<String> {
        let value = self.first(HeaderName::ContentType)?;
        body::media_type(&value)
    }

    /// The session description: the body, or the first part of a multipart body, that is `application/sdp` (any letter
    /// case). A body without Content-Type counts when it begins with `v=0`.
    pub fn sdp(&self) -> Option<Cow<'a, [u8]>> {
        body::part(self.first(HeaderName::ContentType).as_deref(), self.body(), "application/sdp").map(Cow::Borrowed)
    }

    /// Where that session description stands in the text.
    pub fn sdp_place(&self) -> Option<Span> {
        if self.index.body.len == 0 {
            return None;
        }
        let part = body::part(self.first(HeaderName::ContentType).as_deref(), self.body(), "application/sdp")?;
        Some(Span::within(self.text, part))
    }

    /// The first part of the body with this media type (lower case), the whole body included.
    pub fn part(&self, media_type: &str) -> Option<&'a [u8]> {
        body::part(self.first(HeaderName::ContentType).as_deref(), self.body(), media_type)
    }

    fn raw(&self, name: HeaderName) -> Option<&'a [u8]> {
        Some(self.index.first(name)?.value.of(self.text))
    }

    fn top_via(&self) -> Option<&'a [u8]> {
        self.raw(HeaderName::Via).map(value::first_element)
    }

    fn tag(&self, name: HeaderName) -> Option<&'a [u8]> {
        let value = self.raw(name)?;
        let tag = value::param(value.get(value::parts(value).params)?, "tag")?;
        self.whole(value::first_word(tag))
    }

    fn cseq_parts(&self) -> Option<(Option<u32>, &'a [u8])> {
        let value = self.raw(HeaderName::CSeq)?;
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, method) = value.split_at_checked(digits)?;
        let method = method.trim_ascii_start();
        let end = method.iter().position(u8::is_ascii_whitespace).unwrap_or(method.len());
        let method = method.get(..end)?;
        Some((decimal(number), method))
    }

    /// `part`, unless it is empty or runs into the end of a cut message.
    fn whole(&self, part: &'a [u8]) -> Option<&'a [u8]> {
        let half = self.index.open && part.as_ptr_range().end == self.text.as_ptr_range().end;
        (!half && !part.is_empty()).then_some(part)
    }
}

fn to_text(value: Cow<'_, [u8]>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(value) => lossy(value),
        Cow::Owned(value) => Cow::Owned(lossy(&value).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;

    fn with<T>(text: &str, cut: bool, ask: impl Fn(Sip<'_>) -> T) -> T {
        let index = scan(text.as_bytes(), cut).unwrap();
        ask(Sip { text: text.as_bytes(), index: &index })
    }

    fn strings(values: Vec<Cow<'_, [u8]>>) -> Vec<String> {
        values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    #[test]
    fn half_an_identifier_is_none() {
        let text = "BYE sip:a SIP/2.0\r\nFrom: <sip:a>;tag=12\r\nCall-ID: abc";
        assert_eq!(with(text, true, |sip| sip.call_id().map(<[u8]>::len)), None);
        assert_eq!(with(text, false, |sip| sip.call_id().map(<[u8]>::len)), Some(3));
        assert_eq!(with(text, true, |sip| sip.from_tag().map(<[u8]>::len)), Some(2));
    }

    #[test]
    fn headers_are_whole_when_their_blank_line_is_there() {
        let head = "BYE sip:a SIP/2.0\r\nContent-Length: 9\r\n";
        for (end, cut) in [("", true), ("\r", true), ("\r\n", false), ("\r\nv=0", false), ("\nv=0", false)] {
            assert_eq!(with(&format!("{head}{end}"), true, |sip| sip.head_cut()), cut, "{end:?}");
        }
    }

    #[test]
    fn the_last_value_of_a_cut_message_may_be_half_a_value() {
        for (end, half) in [("", true), ("\r\n", false), ("\r\n\r\n", false)] {
            let text = format!("BYE sip:a SIP/2.0\r\nVia: x\r\nMax-Forwards: 7{end}");
            assert_eq!(with(&text, false, |sip| sip.is_half(HeaderName::MaxForwards)), half, "{end:?}");
            assert!(!with(&text, false, |sip| sip.is_half(HeaderName::Via)));
        }
    }

    #[test]
    fn repeated_lines_and_lists_are_one_list() {
        let text = "BYE sip:a SIP/2.0\r\nRoute: <sip:a,b>,\r\n <sip:c>\r\nRoute: \"x, y\" <sip:d>\r\n\r\n";
        assert_eq!(with(text, false, |sip| strings(sip.values(HeaderName::Route))), ["<sip:a,b>", "<sip:c>", "\"x, y\" <sip:d>"]);
        assert_eq!(with(text, false, |sip| strings(sip.all(HeaderName::Route).collect())), ["<sip:a,b>, <sip:c>", "\"x, y\" <sip:d>"]);
    }

    #[test]
    fn half_a_value_is_left_out_of_the_whole_ones() {
        let text = "BYE sip:a SIP/2.0\r\nContact: <sip:a>, <sip:203.0.113.9.exa";
        for cut in [true, false] {
            assert_eq!(with(text, cut, |sip| strings(sip.whole_values(HeaderName::Contact))), ["<sip:a>"]);
        }
        assert_eq!(with(&format!("{text}\r\nTo: <s"), true, |sip| sip.whole_values(HeaderName::Contact).len()), 2);
        assert_eq!(with(&format!("{text}\r\n\r\n"), false, |sip| sip.whole_values(HeaderName::Contact).len()), 2);
    }

    #[test]
    fn texts_are_the_whole_values() {
        for text in [
            "Contact: <sip:a>\r\n\r\n",
            "Contact: <sip:a>, <sip:b>\r\nContact: \"x, y\" <sip:c>\r\n\r\n",
            "Contact:\r\n\r\n",
            "Contact: <sip:a\r\n b>\r\n\r\n",
            "Contact: <sip:a>, <sip:203.0.113.9.exa",
            "Contact: <sip:203.0.113.9.exa",
            "Via: x\r\n\r\n",
        ] {
            let text = format!("BYE sip:a SIP/2.0\r\n{text}");
            let whole = with(&text, true, |sip| strings(sip.whole_values(HeaderName::Contact)));
            assert_eq!(with(&text, true, |sip| sip.texts(HeaderName::Contact).iter().map(|t| t.to_string()).collect::<Vec<_>>()), whole);
        }
    }

    #[test]
    fn any_header_is_found_by_its_text() {
        let text = "BYE sip:a SIP/2.0\r\nX-Call-ID: 7\r\nm: <sip:c>\r\nx-call-id: 8\r\n\r\n";
        assert_eq!(with(text, false, |sip| sip.named("x-CALL-id").unwrap().into_owned()), b"7");
        assert_eq!(with(text, false, |sip| sip.all_named("X-Call-ID").count()), 2);
        assert_eq!(with(text, false, |sip| sip.named("Contact").unwrap().into_owned()), b"<sip:c>");
        assert!(with(text, false, |sip| sip.has(HeaderName::Contact) && !sip.has(HeaderName::Via)));
    }

    #[test]
    fn a_number_too_large_keeps_the_method() {
        let text = "SIP/2.0 200 OK\r\nCSeq: 4294967296 BYE\r\n\r\n";
        assert_eq!(with(text, false, |sip| (sip.cseq().is_some(), sip.method(), sip.status())), (false, Method::Bye, Some(200)));
    }

    #[test]
    fn the_top_via_gives_branch_and_transport() {
        let text = "BYE sip:a SIP/2.0\r\nv: SIP / 2.0 / TLS a;branch = z9hG4bK1, SIP/2.0/UDP b;branch=2\r\n\r\n";
        assert_eq!(with(text, false, |sip| sip.branch().unwrap().to_vec()), b"z9hG4bK1");
        assert_eq!(with(text, false, |sip| sip.via_transport().unwrap().to_vec()), b"TLS");
    }
}
