//! DR011: a URI with `@` and nothing before it.

use super::written::{clean, repeats_invite};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, NameAddr, Scheme, Uri, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};
use memchr::memmem;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR011-empty-user",
    title: "'@' with no user before it",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR011-empty-user.md"),
    check: Check::Message(Heeds::ALL.but_repeats(), check),
};

/// Headers that hold a URI, with the names that a finding prints.
const HEADERS: [(HeaderName, &str); 13] = [
    (HeaderName::To, "To"),
    (HeaderName::From, "From"),
    (HeaderName::Contact, "Contact"),
    (HeaderName::RecordRoute, "Record-Route"),
    (HeaderName::Route, "Route"),
    (HeaderName::ReferTo, "Refer-To"),
    (HeaderName::ReferredBy, "Referred-By"),
    (HeaderName::PAssertedIdentity, "P-Asserted-Identity"),
    (HeaderName::PPreferredIdentity, "P-Preferred-Identity"),
    (HeaderName::RemotePartyId, "Remote-Party-ID"),
    (HeaderName::HistoryInfo, "History-Info"),
    (HeaderName::Diversion, "Diversion"),
    (HeaderName::ReplyTo, "Reply-To"),
];

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if repeats_invite(message) {
        return Outcome::NotApplicable;
    }
    if !message.message.cut && !may_lack_user(message.message.text.bytes()) {
        return Outcome::Clean;
    }
    let sip = message.sip();
    let request_uri = sip.request_uri().filter(|uri| may_lack_user(uri)).map(|uri| ("Request-URI", lossy(uri).into_owned()));
    let mut found: Vec<(&str, String)> = request_uri.into_iter().filter(|(_, uri)| is_empty_user(&Uri::parse(uri))).collect();
    for (header, name) in HEADERS {
        if !sip.all(header).any(|line| may_lack_user(&line)) {
            continue;
        }
        let values = sip.values(header);
        let written = values.iter().filter(|value| may_lack_user(value) && !ctx.is_copied(message, header, value));
        let mut texts = written.map(|value| lossy(value).into_owned());
        found.extend(texts.find(|text| is_empty_user(&NameAddr::parse(text).uri())).map(|text| (name, text)));
    }
    let Some((name, text)) = found.first() else {
        return clean(message);
    };
    let headers: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    let (method, headers) = (ctx.name_of(message), headers.join(", "));
    let said = format!("{method} from {} has '@' without a user in {headers}", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, format!("{method}: {headers}"), said, &format!("{name}: {text}"))])
}

/// After a colon there is `@` or a password: nearly all messages have neither, and are not read further.
fn may_lack_user(text: &[u8]) -> bool {
    [b":@", b"::"].into_iter().any(|pair| memmem::find(text, pair).is_some())
}

/// RFC 3261 section 25.1: userinfo is a user, and a user is at least one character.
fn is_empty_user(uri: &Uri<'_>) -> bool {
    matches!(uri.scheme, Scheme::Sip | Scheme::Sips) && uri.at && uri.user.unwrap_or_default().is_empty()
}
