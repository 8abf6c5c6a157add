//! DR088: a message of the SBC's without the tag that makes it part of a dialog.

use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, NameAddr, lossy};
use crate::rules::{
    Check, Ctx, Direction, Heeds, Rule,
    along::{CUT, line},
    by_sender,
};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR088-tag-missing",
    title: "A tag is missing in From or To",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR088-tag-missing.md"),
    check: Check::Message(Heeds::FROM_SBC, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let start = message.start;
    let (name, severity) = match (start.status, start.method) {
        _ if start.is_request => (HeaderName::From, Severity::Error),
        (Some(101..=299), Method::Invite) => (HeaderName::To, Severity::Error),
        (_, Method::Invite) | (None | Some(..200), _) => return Outcome::NotApplicable,
        _ => (HeaderName::To, Severity::Warning),
    };
    let sip = message.sip();
    let tag = if name == HeaderName::From { sip.from_tag() } else { sip.to_tag() };
    if tag.is_some() || is_swallowed(sip.first(name).as_deref()) {
        return Outcome::Clean;
    }
    if sip.is_half(name) || (sip.head_cut() && !sip.has(name)) {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let of = ctx.name_of(message);
    let said = format!("{of} from {} has no tag in {name}", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{of}: {name}"), said, &line(&sip, name))])
}

/// The tag is there, within the URI: that is a fault of another kind (DR024).
fn is_swallowed(value: Option<&[u8]>) -> bool {
    let text = lossy(value.unwrap_or_default());
    NameAddr::parse(&text).uri().has_param("tag")
}
