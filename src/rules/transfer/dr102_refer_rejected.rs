//! DR102: the SBC says that it takes REFER, and does not.

use super::{LET_GO, REFER, is_refer};
use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Method, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{CUT, line},
    dialog::heard,
};
use crate::time::{Span, Timestamp};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR102-refer-rejected",
    title: "The SBC refuses the REFER that it offers to take",
    severity: Severity::Error,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transfer/DR102-refer-rejected.md"),
    check: Check::Message(REFER, check),
};

/// A request without a final response is given up after 64·T1 (RFC 3261 section 17.1.2.2).
const GIVEN_UP: Span = Span::secs(32);

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, _)) = ctx.leg.filter(|_| is_refer(message, ctx)) else { return Outcome::NotApplicable };
    let answer = ctx.transaction(message).and_then(|transaction| leg.message(transaction.last?));
    let says = match answer.and_then(|answer| Some((answer, answer.start.status?))) {
        Some((_, 200..=299)) => return Outcome::Clean,
        // The target was tried and did not want the call.
        Some((_, 480 | 603)) => return Outcome::NotApplicable,
        Some((answer, 481)) if is_over(leg, answer.message.at()) => return Outcome::NotApplicable,
        Some((_, status)) => status.to_string(),
        None => match unanswered(leg, message, ctx) {
            Ok(()) => "no answer".to_owned(),
            Err(outcome) => return outcome,
        },
    };
    let before = leg.messages.iter().rev().filter(|m| m.message.seq() < message.message.seq() && ctx.to_microsoft(m));
    let Some(allow) = before.clone().find(|m| m.sip().has(HeaderName::Allow)) else {
        let cut = before.clone().any(|m| m.sip().head_cut());
        return Outcome::NotChecked(if cut { CUT } else { "no Allow of the SBC's is in the dialog as captured" }.to_owned());
    };
    if !allow.sip().values(HeaderName::Allow).iter().any(|method| method.eq_ignore_ascii_case(b"REFER")) {
        return if allow.sip().head_cut() { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::NotApplicable };
    }
    let sbc = message.message.dst().ip();
    let fate = if answer.is_some() { format!("answers it with {says}") } else { "does not answer it".to_owned() };
    let mut evidence = ctx.proof(message, &lossy(message.sip().start_line()));
    evidence.insert(0, Evidence::new(&allow.message.seen(), line(&allow.sip(), HeaderName::Allow)));
    let text = format!("{sbc} offers REFER in its Allow and {fate}");
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject: sbc.to_string(), value: says, message: text, evidence }])
}

/// A BYE of either side was sent until then.
fn is_over(leg: &Leg, until: Timestamp) -> bool {
    let byes = leg.messages.iter().filter(|m| m.start.is_request && m.start.method == Method::Bye);
    byes.into_iter().any(|bye| bye.message.at() <= until)
}

/// It had its time, and an answer would be in the capture.
fn unanswered(leg: &Leg, message: &LegMessage, ctx: &Ctx<'_>) -> Result<(), Outcome> {
    let until = message.message.at() + GIVEN_UP;
    if is_over(leg, until) {
        return Err(Outcome::NotApplicable);
    }
    if leg.let_go > 0 {
        return Err(Outcome::NotChecked(LET_GO.to_owned()));
    }
    if ctx.clock < until {
        return Err(Outcome::NotChecked("the capture ends within 32 s of the REFER".to_owned()));
    }
    heard::is_heard(message, ctx).map_err(Outcome::NotChecked)
}
