//! DR024: a header with a URI, or one that says who and which, that does not follow the grammar.

use super::syntax::{Fault, are_plain, faults, is_plain, several};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Sip, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, along::CUT, by_sender};
use std::borrow::Cow;
use std::collections::HashSet;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR024-header-syntax",
    title: "A URI or an address is malformed",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: true,
    hides: &["DR079"],
    page: include_str!("../../../rules/identity/DR024-header-syntax.md"),
    check: Check::Message(Heeds::BETWEEN, check),
};

/// Headers with addresses.
const ADDRESSES: [HeaderName; 11] = [
    HeaderName::From,
    HeaderName::To,
    HeaderName::Contact,
    HeaderName::RecordRoute,
    HeaderName::Route,
    HeaderName::ReferTo,
    HeaderName::ReferredBy,
    HeaderName::PAssertedIdentity,
    HeaderName::PPreferredIdentity,
    HeaderName::HistoryInfo,
    HeaderName::Diversion,
];
/// Headers that stand once and have one value.
const SINGLE: [HeaderName; 5] = [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq, HeaderName::MaxForwards];
/// What a response repeats of its request (RFC 3261 section 8.2.6.2).
const COPIED: [HeaderName; 5] = [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq, HeaderName::RecordRoute];

/// Lines of a header that evidence quotes.
const PRINTED: usize = 2;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) && !ctx.from_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    if is_all_plain(&sip) {
        return if sip.head_cut() { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::Clean };
    }
    let mut violations = Vec::new();
    if let Some(uri) = sip.request_uri() {
        let uri = lossy(uri);
        let line = lossy(sip.start_line());
        violations.extend(Fault::of_uri(&uri).map(|fault| violation(message, ctx, "Request-URI", &fault, &line)));
    }
    for name in ADDRESSES.into_iter().filter(|name| sip.has(*name) && !sip.is_half(*name)) {
        let lines = own(message, ctx, name);
        let faulty = |line: &Cow<'_, [u8]>| {
            let text = lossy(line);
            faults(&text, name).map(|fault| violation(message, ctx, name.canonical(), &fault, &format!("{name}: {text}")))
        };
        violations.extend(lines.iter().find_map(faulty));
    }
    for name in SINGLE.into_iter().filter(|name| sip.has(*name) && !sip.is_half(*name)) {
        let values: Vec<String> = own(message, ctx, name).iter().map(|value| lossy(value).into_owned()).collect();
        let line = || format!("{name}: {}", values.iter().take(PRINTED).map(String::as_str).collect::<Vec<_>>().join(" | "));
        violations.extend(several(&values, name).map(|fault| violation(message, ctx, name.canonical(), &fault, &line())));
    }
    match (violations.is_empty(), sip.head_cut()) {
        (false, _) => Outcome::Violated(violations),
        (true, true) => Outcome::NotChecked(CUT.to_owned()),
        (true, false) => Outcome::Clean,
    }
}

/// Nothing in the message looks as if it had a fault, whoever wrote it.
fn is_all_plain(sip: &Sip<'_>) -> bool {
    let mut seen = 0u128;
    let plain = sip.index.headers.iter().all(|header| {
        let value = || header.value.of(sip.text);
        let is_plain = match header.name {
            HeaderName::CallId | HeaderName::CSeq | HeaderName::MaxForwards => memchr::memchr(b',', value()).is_none(),
            HeaderName::From | HeaderName::To => is_plain(value()),
            name => return !is_address(name) || are_plain(value()),
        };
        let again = seen & 1 << header.name as u32 != 0;
        seen |= 1 << header.name as u32;
        is_plain && !again
    });
    plain && sip.request_uri().is_none_or(is_plain)
}

/// One of [`ADDRESSES`].
fn is_address(name: HeaderName) -> bool {
    const SET: u128 = {
        let (mut at, mut set) = (0, 0);
        while at < ADDRESSES.len() {
            set |= 1 << ADDRESSES[at] as u32;
            at += 1;
        }
        set
    };
    SET & 1 << name as u32 != 0
}

/// The lines of a header that the sender wrote itself. A response repeats some of its request's, To with a tag behind it; without the
/// request nobody knows which.
fn own<'m>(message: &'m LegMessage, ctx: &Ctx<'_>, name: HeaderName) -> Vec<Cow<'m, [u8]>> {
    let sip = message.sip();
    let mut lines: Vec<Cow<'m, [u8]>> = sip.all(name).collect();
    if !sip.is_request() && COPIED.contains(&name) {
        match ctx.request(message) {
            Some(request) => {
                let asked: HashSet<Cow<'_, [u8]>> = request.sip().all(name).collect();
                let to = request.sip().first(HeaderName::To).filter(|_| name == HeaderName::To);
                lines.retain(|line| !asked.contains(line) && !to.as_ref().is_some_and(|to| line.starts_with(to)));
            }
            None => lines.clear(),
        }
    }
    lines
}

fn violation(message: &LegMessage, ctx: &Ctx<'_>, header: &str, fault: &Fault, line: &str) -> Violation {
    let most = if ctx.from_microsoft(message) { Severity::Info } else { Severity::Error };
    let severity = if fault.recovers { Severity::Warning } else { Severity::Error };
    let said = format!("{} from {}: {header} {}", ctx.name_of(message), message.message.src().ip(), fault.says);
    by_sender(ctx, message, severity.min(most), format!("{header}: {}", fault.kind), said, line)
}
