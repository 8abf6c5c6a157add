//! Addresses: `"Display" <uri>;params`, or a bare URI with parameters (RFC 3261 section 20.10).

use super::uri::{Uri, text, trim};
use super::value::{self, Params};
use std::borrow::Cow;
use std::ops::Range;

/// How the URI of an address is marked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brackets {
    /// `<uri>`
    Closed,
    /// `<uri` without `>`: parameters are read as if the bracket closed before the URI's first `;`.
    Unclosed,
    /// The bare form: all after the first `;` are header parameters.
    None,
}

/// The value of a From, To, Contact, Route or similar header: one element of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes and escapes included; empty when there is none.
    pub display: &'a str,
    /// The URI without brackets.
    pub uri: &'a str,
    /// `;name=value` parameters of the header, undivided.
    pub params_text: &'a str,
    /// The brackets around the URI.
    pub brackets: Brackets,
}

impl<'a> NameAddr<'a> {
    /// Splits an unfolded value.
    pub fn parse(value: &'a str) -> Self {
        let parts = value::parts(value.as_bytes());
        let part = |range: Range<usize>| trim(value.get(range).unwrap_or_default());
        let brackets = match (parts.bracketed, parts.closed) {
            (false, _) => Brackets::None,
            (true, true) => Brackets::Closed,
            (true, false) => Brackets::Unclosed,
        };
        Self { display: part(parts.display), uri: part(parts.uri), params_text: part(parts.params), brackets }
    }

    /// The URI, split.
    pub fn uri(&self) -> Uri<'a> {
        Uri::parse(self.uri)
    }

    /// The display name as people read it: without its quotes, escapes undone.
    pub fn display_name(&self) -> Cow<'a, str> {
        let Some(inner) = self.display.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Cow::Borrowed(self.display);
        };
        if !inner.contains('\\') {
            return Cow::Borrowed(inner);
        }
        let mut escaped = false;
        let plain = inner.chars().filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        });
        Cow::Owned(plain.collect())
    }

    /// The parameters of the header in order.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        Params::new(self.params_text.as_bytes()).map(|(name, value)| (text(name), value.map(text)))
    }

    /// The value of the first parameter `name` that has one; letter case does not matter.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        value::param(self.params_text.as_bytes(), name).map(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_name_may_hold_brackets_and_tags() {
        let addr = NameAddr::parse(r#" "A > B \" ;tag=x <y>" <sip:a@b;p=1> ; Tag = real"#);
        assert_eq!((addr.uri, addr.param("tag"), addr.brackets), ("sip:a@b;p=1", Some("real"), Brackets::Closed));
        assert_eq!(addr.display_name(), r#"A > B " ;tag=x <y>"#);
    }

    #[test]
    fn a_bare_uri_leaves_its_parameters_to_the_header() {
        let addr = NameAddr::parse("sip:a@b;tag=1");
        assert_eq!((addr.display, addr.uri, addr.param("tag"), addr.brackets), ("", "sip:a@b", Some("1"), Brackets::None));
        let addr = NameAddr::parse("sip:+1;npdi;rn=2@b;tag=1");
        assert_eq!((addr.uri, addr.param("tag")), ("sip:+1;npdi;rn=2@b", Some("1")));
        let addr = NameAddr::parse("sip:b;tag=a@c");
        assert_eq!((addr.uri, addr.param("tag")), ("sip:b", Some("a@c")));
    }

    #[test]
    fn a_missing_bracket_does_not_lose_the_tag() {
        let addr = NameAddr::parse("Bob <sip:bob@b;user=phone;tag=1");
        assert_eq!((addr.display, addr.uri, addr.brackets), ("Bob", "sip:bob@b", Brackets::Unclosed));
        assert_eq!(addr.param("tag"), Some("1"));
    }

    #[test]
    fn an_unquoted_name_is_a_name() {
        let addr = NameAddr::parse("Ünal Öz <tel:+1>");
        assert_eq!((addr.display_name().as_ref(), addr.uri), ("Ünal Öz", "tel:+1"));
    }
}
