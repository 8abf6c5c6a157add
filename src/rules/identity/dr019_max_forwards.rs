//! DR019: a request without Max-Forwards, or with one that will not last.

use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, lossy};
use crate::rules::{
    Check, Ctx, Direction, Heeds, Rule,
    along::{CUT, line},
    by_sender,
};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR019-max-forwards",
    title: "Max-Forwards is missing, used up or low",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR019-max-forwards.md"),
    check: Check::Message(Heeds::BETWEEN.any_request(), check),
};

/// Senders begin at 70 (RFC 3261 section 8.1.1.6): who hands over so little has sixty hops behind it, or was told a wrong number.
const LOW: u16 = 10;
/// The highest number there is (RFC 3261 section 20.22).
const HIGHEST: u16 = 255;
/// Too Many Hops.
const TOO_MANY_HOPS: u16 = 483;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let towards = ctx.to_microsoft(message);
    if !message.start.is_request || !(towards || ctx.from_microsoft(message)) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let refused = ctx.answer(message).and_then(|answer| answer.start.status) == Some(TOO_MANY_HOPS);
    // Zero asks how far a probe comes, and 483 is the answer to that (RFC 3261 section 11).
    let probe = matches!(message.start.method, Method::Options | Method::Register);
    let Some(value) = sip.first(HeaderName::MaxForwards) else {
        return match sip.head_cut() {
            true => Outcome::NotChecked(CUT.to_owned()),
            false => violated(message, ctx, refused, "missing", "has no Max-Forwards"),
        };
    };
    if sip.is_half(HeaderName::MaxForwards) {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let text = lossy(&value);
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>().ok().filter(|number| digits && *number <= HIGHEST) {
        None => violated(message, ctx, refused, "no number", &format!("has Max-Forwards {text}, which is no number from 0 to {HIGHEST}")),
        Some(0) if probe => Outcome::Clean,
        Some(0) => violated(message, ctx, true, "0", "has Max-Forwards 0"),
        Some(number) if refused => violated(message, ctx, true, "483", &format!("has Max-Forwards {number}")),
        Some(number) if towards && number <= LOW => {
            violated(message, ctx, false, &text, &format!("has only {number} left in Max-Forwards"))
        }
        Some(_) => Outcome::Clean,
    }
}

fn violated(message: &LegMessage, ctx: &Ctx<'_>, breaks: bool, value: &str, says: &str) -> Outcome {
    let severity = if breaks { Severity::Error } else { Severity::Warning };
    let refused = ctx.answer(message).is_some_and(|answer| answer.start.status == Some(TOO_MANY_HOPS));
    let then = if refused { ", and 483 Too Many Hops comes back" } else { "" };
    let (name, sender, line) = (ctx.name_of(message), message.message.src().ip(), line(&message.sip(), HeaderName::MaxForwards));
    let text = format!("{name} from {sender} {says}{then}");
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{name}: {value}"), text, &line)])
}
