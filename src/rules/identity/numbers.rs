//! The numbers of a call: the one in the Request-URI, the one in To, and whether anything explains that they differ.

use super::written::single;
use crate::call::LegMessage;
use crate::proto::sip::{HeaderName, NameAddr, Uri, lossy};
use std::borrow::Cow;

/// Fewer characters are no number.
const SHORTEST: usize = 3;
/// Digits in which the numbers of one block differ at most.
const OF_BLOCK: usize = 4;
/// A number with fewer digits is of no block.
const FEWEST_OF_BLOCK: usize = 7;
/// What is dialled before a number that is no E.164: nothing, the national prefix, the international ones.
const DIALLED_BEFORE: [&str; 4] = ["", "0", "00", "011"];

/// The Request-URI.
pub fn request_uri(message: &LegMessage) -> Option<Cow<'_, str>> {
    message.sip().request_uri().map(lossy)
}

/// The To.
pub fn to(message: &LegMessage) -> Option<Cow<'_, str>> {
    single(message, HeaderName::To)
}

/// The user up to its first `;` or `:`, percent-decoded; empty where there is none.
pub fn user(uri: &Uri<'_>) -> String {
    let decoded = uri.user_decoded().unwrap_or_default();
    decoded.split(':').next().unwrap_or_default().to_owned()
}

/// The telephone number of a URI, see [`Uri::phone`]. With a colon in the user part it is none: `8:orgid:` begins with a digit too.
pub fn number(uri: &Uri<'_>) -> Option<String> {
    uri.phone().filter(|number| uri.password.is_none() && number.len() >= SHORTEST)
}

/// The call was handed on from another number: To may keep what was called first.
pub fn is_diverted(message: &LegMessage) -> bool {
    let sip = message.sip();
    let passed_on = [HeaderName::HistoryInfo, HeaderName::Diversion, HeaderName::ReferredBy].into_iter().any(|header| sip.has(header));
    // RFC 4458 section 2
    let has_cause = |text: &str| NameAddr::parse(text).uri().has_param("cause");
    passed_on || request_uri(message).is_some_and(|uri| Uri::parse(&uri).has_param("cause")) || to(message).is_some_and(|to| has_cause(&to))
}

/// The number was ported, as the URI says (RFC 4694).
pub fn is_ported(uri: &Uri<'_>) -> bool {
    let of_user = uri.user.unwrap_or_default().split(';').skip(1).map(|param| param.split('=').next().unwrap_or_default().trim());
    of_user.chain(uri.params().map(|(name, _)| name)).any(|name| ["rn", "npdi"].iter().any(|known| name.eq_ignore_ascii_case(known)))
}

/// A transfer's target, as Microsoft writes it into Refer-To.
pub fn is_transfer_target(uri: &Uri<'_>) -> bool {
    ["x-m", "x-t"].into_iter().any(|name| uri.has_param(name))
}

/// The numbers are one, if what is dialled before it and its country code do not count. A number with `+` is whole.
pub fn are_one(a: &str, b: &str) -> bool {
    match (a.strip_prefix('+'), b.strip_prefix('+')) {
        (Some(a), Some(b)) => a == b,
        (Some(whole), None) => is_dialled(whole, b),
        (None, Some(whole)) => is_dialled(whole, a),
        (None, None) => is_dialled(a, b) || is_dialled(b, a),
    }
}

fn is_dialled(whole: &str, dialled: &str) -> bool {
    DIALLED_BEFORE.iter().filter_map(|before| dialled.strip_prefix(before)).any(|rest| !rest.is_empty() && whole.ends_with(rest))
}

/// The numbers are of one block, as the number of a line and its main number are.
pub fn are_of_one_block(a: &str, b: &str) -> bool {
    let (a, b) = (a.strip_prefix('+').unwrap_or(a), b.strip_prefix('+').unwrap_or(b));
    let same = a.bytes().zip(b.bytes()).take_while(|(one, other)| one == other).count();
    a.len() == b.len() && a.len() >= FEWEST_OF_BLOCK && same + OF_BLOCK >= a.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_one_however_they_are_dialled() {
        for dialled in ["+14255550123", "14255550123", "4255550123", "04255550123", "0014255550123", "01114255550123", "0123"] {
            assert!(are_one("+14255550123", dialled) && are_one(dialled, "+14255550123"), "{dialled}");
        }
        assert!(!are_one("+18338006777", "+183338006777") && !are_one("+18338006777", "183338006777") && !are_one("+1", "0"));
    }

    #[test]
    fn a_main_number_is_of_the_block() {
        assert!(are_of_one_block("+14255550123", "+14255559000"));
        assert!(!are_of_one_block("+14255550123", "+14255650123") && !are_of_one_block("+1425555012", "+14255550123"));
        assert!(!are_of_one_block("2041", "2042"));
    }

    #[test]
    fn an_address_that_begins_with_a_digit_is_no_number() {
        let of = |text: &str| number(&Uri::parse(text));
        assert_eq!(of("sip:8:orgid:0c6bb53e@h"), None);
        assert_eq!((of("sip:%2B1-425;ext=2@h").as_deref(), of("sip:12@h"), of("sip:bob@h")), (Some("+1425"), None, None));
    }

    #[test]
    fn porting_shows_in_the_user_and_in_the_uri() {
        assert!(
            is_ported(&Uri::parse("sip:+1;NPDI;rn=+2@h"))
                && is_ported(&Uri::parse("tel:+1;rn=+2"))
                && is_ported(&Uri::parse("sip:+1@h;npdi"))
        );
        assert!(!is_ported(&Uri::parse("sip:+1;ext=2@h;user=phone")));
    }
}
