//! DR028: an SBC that does not say what it is.

use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Method, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{CUT, with_microsoft},
};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR028-x-ms-sbc",
    title: "The SBC does not say what it is",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "field-observed",
    since: "always",
    lower_when_accepted: false, // nothing is lower than information
    hides: &[],
    page: include_str!("../../../rules/identity/DR028-x-ms-sbc.md"),
    check: Check::Leg(check),
};

/// Any of them says it.
const SAY: [HeaderName; 3] = [HeaderName::XMsSbc, HeaderName::UserAgent, HeaderName::Server];

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let mut own = with_microsoft(leg, ctx).filter(|message| ctx.to_microsoft(message)).peekable();
    if own.peek().is_none() {
        return Outcome::NotApplicable;
    }
    let own: Vec<&LegMessage> = own.collect();
    // A header without a value was hidden on purpose.
    if own.iter().any(|message| SAY.iter().any(|name| message.sip().has(*name))) {
        return Outcome::Clean;
    }
    if own.iter().any(|message| message.sip().head_cut()) {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let Some(message) = own.iter().find(|message| says_it(message)) else {
        return Outcome::NotChecked("no message in which the SBC would say it is in the capture".to_owned());
    };
    let sender = message.message.src().ip();
    let line = lossy(message.sip().start_line()).into_owned();
    Outcome::Violated(vec![Violation {
        severity: RULE.severity,
        subject: sender.to_string(),
        value: "none".to_owned(),
        message: format!("{sender} sends neither X-MS-SBC nor User-Agent nor Server: nothing tells what it is"),
        evidence: vec![Evidence::new(&message.message.seen(), line)],
    }])
}

/// Messages with the headers: who begins or takes a call, or answers a probe. Within a call, and in a 100, they are often left out.
fn says_it(message: &LegMessage) -> bool {
    let start = message.start;
    let about = matches!(start.method, Method::Invite | Method::Options);
    about && ((start.is_request && !start.has_to_tag) || start.status.is_some_and(|status| (200..300).contains(&status)))
}
