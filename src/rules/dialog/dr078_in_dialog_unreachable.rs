//! DR078: what Microsoft sends within a call does not reach it.

use super::dialogs::{Dialogs, microsofts_tag};
use super::{LET_GO, NOT_BEGUN, Said, direct, heard, messages, proof};
use crate::call::{Leg, LegMessage, Recognition};
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR078-in-dialog-unreachable",
    title: "Microsoft's requests within a call do not get through",
    severity: Severity::Error,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "inference",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR078-in-dialog-unreachable.md"),
    check: Check::Leg(check),
};

/// A request without an answer is given up after 64·T1 (RFC 3261 section 17.1).
const GIVEN_UP: Span = Span::secs(32);

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, recognition)) = direct(ctx) else { return Outcome::NotApplicable };
    let dialogs = Dialogs::of(leg, recognition);
    let mut said = Said::default();
    for message in messages(leg).filter(|m| is_in_dialog(m, recognition)) {
        let Some(tag) = microsofts_tag(message, true) else { continue };
        match dialogs.confirmed.get(tag) {
            Some(since) if *since < message.message.seq() => said.add(judge(message, tag, &dialogs, leg, ctx)),
            Some(_) => {}
            None if dialogs.confirmed.is_empty() => said.lacks(NOT_BEGUN),
            None => {}
        }
    }
    said.outcome()
}

/// A request of Microsoft's within a dialog that wants an answer of its own.
fn is_in_dialog(message: &LegMessage, recognition: &Recognition) -> bool {
    let start = message.start;
    let wants = start.is_request && start.has_to_tag && !matches!(start.method, Method::Ack | Method::Cancel);
    wants && recognition.is_microsoft(message.message.src(), message.message.dst())
}

fn judge(message: &LegMessage, tag: &[u8], dialogs: &Dialogs<'_>, leg: &Leg, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let Some(transaction) = ctx.transaction(message) else { return Ok(None) };
    let answer = transaction.last.and_then(|idx| leg.message(idx));
    let sbc = message.message.dst().ip();
    let name = ctx.name_of(message);
    let byes = dialogs.byes.get(tag).map_or(&[][..], Vec::as_slice);
    let (what, value) = match answer.and_then(|answer| Some((answer, answer.start.status?))) {
        Some((_, status @ 404)) => (format!("is answered with {status}"), status.to_string()),
        Some((_, 481)) if message.start.method == Method::Notify => return Ok(None),
        Some((answer, status @ 481)) => {
            // A BYE of either side made an end of the dialog, or crosses this request.
            if byes.iter().any(|bye| bye.transaction != message.transaction && bye.message.seq() < answer.message.seq()) {
                return Ok(None);
            }
            (format!("is answered with {status}, and no BYE has ended the call"), status.to_string())
        }
        Some(_) => return Ok(None),
        None if !transaction.provisional.is_empty() => return Ok(None),
        None => {
            if leg.let_go > 0 {
                return Err(LET_GO.to_owned());
            }
            is_given_up(message, byes, ctx)?;
            ("gets no answer".to_owned(), "no answer".to_owned())
        }
    };
    let text = format!("{name} that Microsoft sends to {sbc} within a call {what}");
    let evidence = [Some(message), answer].into_iter().flatten().map(proof).collect();
    Ok(Some(Violation { severity: RULE.severity, subject: sbc.to_string(), value: format!("{name}: {value}"), message: text, evidence }))
}

/// Nothing came for as long as a request is repeated, and nothing else explains it. Fails with what does, or is missing.
fn is_given_up(message: &LegMessage, byes: &[&LegMessage], ctx: &Ctx<'_>) -> Result<(), String> {
    let (at, until) = (message.message.at(), message.message.at() + GIVEN_UP);
    if byes.iter().any(|bye| bye.transaction != message.transaction && bye.message.at() <= until) {
        return Err("a BYE crosses the request".to_owned());
    }
    if ctx.clock < until {
        return Err("the capture ends within 32 s of the request".to_owned());
    }
    let ended = ctx.connection(message).and_then(|connection| connection.ended).map(|(_, seen)| seen.at);
    if ended.is_some_and(|ended| ended >= at && ended <= until) {
        return Err("the connection ends before an answer had time to come".to_owned());
    }
    heard::is_heard(message, ctx)
}
