//! DR010: a `sips:` URI in what the SBC sends; the service takes `sip:` only, although TLS is a must.

use super::written::{clean, repeats_invite};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, TypedScheme, lossy, typed};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};
use memchr::memchr_iter;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR010-sips-uri",
    title: "The sips: scheme in use",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR010-sips-uri.md"),
    check: Check::Message(Heeds::FROM_SBC.but_repeats(), check),
};

/// Headers that the service reads a URI from, with the names that a finding prints.
const READ: [(HeaderName, &str); 6] = [
    (HeaderName::To, "To"),
    (HeaderName::From, "From"),
    (HeaderName::Contact, "Contact"),
    (HeaderName::RecordRoute, "Record-Route"),
    (HeaderName::Route, "Route"),
    (HeaderName::ReferTo, "Refer-To"),
];

/// Headers that tell where a call came from; a carrier may have written them.
const PASSED_ON: [(HeaderName, &str); 2] = [(HeaderName::HistoryInfo, "History-Info"), (HeaderName::Diversion, "Diversion")];

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || repeats_invite(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let request_uri = sip.request_uri().filter(|uri| may_be_sips(uri)).map(|uri| ("Request-URI", lossy(uri).into_owned()));
    let request_uri = request_uri.filter(|(_, uri)| typed::uri(uri).scheme == TypedScheme::Sips);
    let used: Vec<_> = request_uri.into_iter().chain(READ.iter().filter_map(|header| first_sips(message, ctx, *header))).collect();
    let passed: Vec<_> = PASSED_ON.iter().filter_map(|header| first_sips(message, ctx, *header)).collect();
    let violations: Vec<Violation> =
        [violation(message, ctx, Severity::Error, "uses", &used), violation(message, ctx, Severity::Info, "passes on", &passed)]
            .into_iter()
            .flatten()
            .collect();
    if violations.is_empty() { clean(message) } else { Outcome::Violated(violations) }
}

/// The scheme stands before a colon: nearly all values have it not, and are not read further.
fn may_be_sips(value: &[u8]) -> bool {
    let before = |colon: usize| value.get(colon.checked_sub(4)?..colon);
    memchr_iter(b':', value).any(|colon| before(colon).is_some_and(|word| word.eq_ignore_ascii_case(b"sips")))
}

/// The first `sips:` value of a header that the sender wrote: a response copies some from its request.
fn first_sips(message: &LegMessage, ctx: &Ctx<'_>, (header, name): (HeaderName, &'static str)) -> Option<(&'static str, String)> {
    let sip = message.sip();
    if !sip.has(header) || !sip.all(header).any(|line| may_be_sips(&line)) {
        return None;
    }
    let values = sip.values(header);
    let written = values.iter().filter(|value| may_be_sips(value) && !ctx.is_copied(message, header, value));
    let mut texts = written.map(|value| lossy(value).into_owned());
    texts.find(|text| typed::scheme(text) == TypedScheme::Sips).map(|text| (name, text))
}

fn violation(message: &LegMessage, ctx: &Ctx<'_>, severity: Severity, verb: &str, found: &[(&str, String)]) -> Option<Violation> {
    let (name, text) = found.first()?;
    let headers: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    let (method, headers) = (ctx.name_of(message), headers.join(", "));
    let said = format!("{method} from {} {verb} sips: in {headers}", message.message.src().ip());
    Some(by_sender(ctx, message, severity, format!("{method}: {headers}"), said, &format!("{name}: {text}")))
}
