//! DR004: the name that a request gives the SBC leads to no tenant.

use super::written::{absent, clean, repeats_invite, values};
use crate::call::{
    LegMessage,
    reason::{Reason, reasons},
};
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, TypedHost, typed};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};
use std::borrow::Cow;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR004-contact-fqdn-unknown",
    title: "A name that is not paired",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR004-contact-fqdn-unknown.md"),
    check: Check::Message(Heeds::FROM_SBC.any_request().but_repeats(), check),
};

/// How the service refuses a name that it does not know.
const FORBIDDEN: u16 = 403;

/// Why a refusal says nothing of the name.
const OTHER_REASON: &str = "the topology names neither SBCs nor domains of the tenant, and the 403 gives another reason";
/// Why nothing is said without names to compare with.
const NO_NAMES: &str = "the topology names neither SBCs nor domains of the tenant";

/// A name of the SBC, and where it stands.
struct Named<'m> {
    header: &'static str,
    value: Cow<'m, str>,
    host: String,
}

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !message.start.is_request || repeats_invite(message) {
        return Outcome::NotApplicable;
    }
    let named = names(message);
    if named.is_empty() {
        return absent(message);
    }
    let refused = is_refused(message, ctx) && !is_explained(message, ctx);
    let mut violations = Vec::new();
    for name in &named {
        let why = match (ctx.topology.is_sbc_name(&name.host), refused) {
            (Some(true), _) => continue,
            (Some(false), _) => "which is no name of the topology",
            (None, true) => "and the service refuses it with 403",
            (None, false) if is_explained(message, ctx) => return Outcome::NotChecked(OTHER_REASON.to_owned()),
            (None, false) => return Outcome::NotChecked(NO_NAMES.to_owned()),
        };
        let (method, sender) = (ctx.name_of(message), message.message.src().ip());
        let said = format!("{method} from {sender} names the SBC {} in {}, {why}", name.host, name.header);
        let line = format!("{}: {}", name.header, name.value);
        violations.push(by_sender(ctx, message, RULE.severity, name.host.clone(), said, &line));
    }
    if violations.is_empty() { clean(message) } else { Outcome::Violated(violations) }
}

/// The names that the service looks up, each once: the first Contact of OPTIONS and INVITE, the top Record-Route of any request.
fn names(message: &LegMessage) -> Vec<Named<'_>> {
    let introduces = matches!(message.start.method, Method::Options | Method::Invite);
    let contact = introduces.then_some((HeaderName::Contact, "Contact"));
    let mut named: Vec<Named<'_>> = Vec::new();
    for (kind, header) in contact.into_iter().chain([(HeaderName::RecordRoute, "Record-Route")]) {
        let Some(value) = values(message, kind).into_iter().next() else { continue };
        if let TypedHost::Name(host) = typed::host(&value)
            && !named.iter().any(|known| known.host == host)
        {
            named.push(Named { header, value, host });
        }
    }
    named
}

/// What the service answers says itself what was wrong.
fn is_explained(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    ctx.answer(message).is_some_and(|answer| reasons(&answer.sip()).iter().any(Reason::is_explained))
}

/// The service refused this very message. Within a dialog it took the name before.
fn is_refused(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    !message.start.has_to_tag && ctx.answer(message).and_then(|answer| answer.start.status) == Some(FORBIDDEN)
}
