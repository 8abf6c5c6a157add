//! DR005: the SBC goes by a name under the domain that every tenant is born with.

use super::written::{Values, absent, clean, repeats_invite, routes, values};
use crate::call::LegMessage;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, NameAddr, TypedHost, lossy, typed};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender, transport::names::presented, transport::parties::Presented};
use memchr::memchr_iter;
use smallvec::SmallVec;
use std::borrow::Cow;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR005-contact-onmicrosoft",
    title: "An SBC name under onmicrosoft.com",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR005-contact-onmicrosoft.md"),
    check: Check::Message(Heeds::FROM_SBC.but_repeats(), check),
};

/// Domains of which each tenant has one below from the first day.
const DOMAINS: [&str; 2] = [".onmicrosoft.com", ".onmicrosoft.us"];

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || repeats_invite(message) {
        return Outcome::NotApplicable;
    }
    // Where a call is redirected to is no name of the SBC.
    let redirects = message.start.status.is_some_and(|status| status >= 300);
    let contacts = if redirects { Values::new() } else { values(message, HeaderName::Contact) };
    let contact = contacts.into_iter().take(1).map(|value| ("Contact", value));
    let routes = routes(message, ctx).unwrap_or_default().into_iter().map(|value| ("Record-Route", value));
    let named: SmallVec<[(&str, Cow<'_, str>); 4]> = contact.chain(routes).collect();
    let shown = presented(message, ctx).ok();
    if named.is_empty() && shown.is_none() {
        return absent(message);
    }
    let mut violations: Vec<Violation> = Vec::new();
    for (header, value) in named.iter().filter(|(_, value)| may_be_default(value)) {
        let host = NameAddr::parse(value).uri().host.name().filter(|name| is_default(name));
        let Some(TypedHost::Name(host)) = host.map(|_| typed::host(value)) else { continue };
        if is_default(&host) && !violations.iter().any(|known| known.value == host) {
            violations.push(violation(message, ctx, host, header, value));
        }
    }
    if let Some(presented) = shown {
        of_certificate(message, ctx, &presented, &mut violations);
    }
    if violations.is_empty() { clean(message) } else { Outcome::Violated(violations) }
}

fn is_default(name: &str) -> bool {
    let name = name.trim_end_matches('.').as_bytes();
    let ends = |domain: &&str| {
        name.len().checked_sub(domain.len()).and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(domain.as_bytes()))
    };
    DOMAINS.iter().any(ends)
}

/// Somewhere in the value stands what all these domains have; most have it not, and are not read.
fn may_be_default(value: &str) -> bool {
    const MARK: &[u8] = b".onmicrosoft.";
    let value = value.as_bytes();
    memchr_iter(b'.', value).any(|at| value.get(at..at + MARK.len()).is_some_and(|found| found.eq_ignore_ascii_case(MARK)))
}

fn violation(message: &LegMessage, ctx: &Ctx<'_>, host: String, header: &str, value: &str) -> Violation {
    let (name, sender) = (ctx.name_of(message), message.message.src().ip());
    let said = format!("{name} from {sender} names the SBC {host} in {header}: no SBC can have a name of that domain");
    by_sender(ctx, message, RULE.severity, host, said, &format!("{header}: {value}"))
}

/// The certificate proves a name that the message gives, or is a violation of its own.
fn of_certificate(message: &LegMessage, ctx: &Ctx<'_>, presented: &Presented<'_>, violations: &mut Vec<Violation>) {
    let leaf = presented.leaf;
    let Some(name) = leaf.names.iter().chain(&leaf.common_name).find(|name| is_default(name)) else { return };
    let evidence = presented.evidence(leaf, &format!("for {name}"));
    if let Some(known) = violations.iter_mut().find(|known| known.value.eq_ignore_ascii_case(name)) {
        known.evidence.push(evidence);
        return;
    }
    let sender = message.message.src().ip();
    let said = format!("the certificate of {sender} is for {name}: no SBC can have a name of that domain");
    let line = lossy(message.sip().start_line()).into_owned();
    let proof: Vec<Evidence> = std::iter::once(evidence).chain(ctx.proof(message, &line)).collect();
    let value = name.to_ascii_lowercase();
    violations.push(Violation { severity: RULE.severity, subject: sender.to_string(), value, message: said, evidence: proof });
}
