//! DR077: a 2xx to an INVITE that nobody acknowledges.

use super::{LET_GO, Said, acknowledged, direct, heard, is_ok, proof};
use crate::call::{Leg, LegMessage};
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;
use std::collections::BTreeMap;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR077-ack-missing",
    title: "A 200 OK that nobody acknowledges",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR077-ack-missing.md"),
    check: Check::Leg(check),
};

/// Who sent a 2xx gives up after 64·T1 (RFC 3261 section 13.3.1.4).
const GIVEN_UP: Span = Span::secs(32);
/// So often a 2xx is repeated only when its ACK does not come: 0.5, 1.5 and 3.5 s after it (catalogue DR077).
const REPEATED: usize = 3;

/// A 2xx to an INVITE, and what came of it.
struct Answer<'l> {
    message: &'l LegMessage,
    repeats: usize,
    last: &'l LegMessage,
}

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, _)) = direct(ctx) else { return Outcome::NotApplicable };
    let mut answers: BTreeMap<u64, Answer<'_>> = BTreeMap::new();
    let mut acks: BTreeMap<u32, &LegMessage> = BTreeMap::new();
    for message in &leg.messages {
        match (message.start.is_request, message.start.method) {
            (false, Method::Invite) if is_ok(message) && answers_invite(leg, message) => {
                let answer = answers.entry(message.fingerprint).or_insert(Answer { message, repeats: 0, last: message });
                answer.repeats += usize::from(message.retransmission);
                answer.last = message;
            }
            (true, Method::Ack) if !message.retransmission => {
                acknowledged(leg, message).into_iter().for_each(|idx| {
                    acks.entry(idx).or_insert(message);
                });
            }
            _ => {}
        }
    }
    let mut said = Said::default();
    for answer in answers.values() {
        said.add(judge(answer, acks.get(&answer.message.transaction).copied(), leg, ctx));
    }
    said.outcome()
}

/// Its request is an INVITE or was not seen. A 2xx to another request may say INVITE in its CSeq, as that did (DR018).
fn answers_invite(leg: &Leg, message: &LegMessage) -> bool {
    leg.transactions.get(message.transaction as usize).is_none_or(|transaction| transaction.method == Method::Invite)
}

fn judge(answer: &Answer<'_>, ack: Option<&LegMessage>, leg: &Leg, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let (message, at) = (answer.message, answer.message.message.at());
    let often = answer.repeats >= REPEATED;
    match ack {
        Some(_) if !often => return Ok(None),
        None if !often => {
            if leg.let_go > 0 {
                return Err(LET_GO.to_owned());
            }
            if leg.ended.is_some_and(|ended| ended >= at && ended - at < GIVEN_UP) {
                return Err("the call is over before the 200 was given up".to_owned());
            }
            if ctx.clock - at < GIVEN_UP {
                return Err("the capture ends within 32 s of the 200".to_owned());
            }
            heard::is_heard(message, ctx)?;
        }
        _ => {}
    }
    let (sender, receiver) = match ctx.from_microsoft(message) {
        true => ("Microsoft".to_owned(), message.message.dst().ip().to_string()),
        false => (message.message.src().ip().to_string(), "Microsoft".to_owned()),
    };
    let name = ctx.name_of(message);
    let times = match answer.repeats {
        0 => String::new(),
        1 => " and repeated once".to_owned(),
        n => format!(" and repeated {n} times"),
    };
    let then = match ack {
        None => format!("and {receiver} does not acknowledge it"),
        Some(ack) if ack.message.seq() > answer.last.message.seq() => format!("before the ACK of {receiver} comes"),
        Some(_) => format!("although an ACK of {receiver} is in the capture"),
    };
    let text = format!("{name} is sent by {sender}{times}, {then}").replace(", before", " before").replace(", although", " although");
    let mut evidence = vec![proof(message)];
    evidence.extend((answer.repeats > 0).then(|| proof(answer.last)));
    evidence.extend(ack.map(proof));
    let value = format!("no ACK of {}", if ctx.from_microsoft(message) { "the SBC" } else { "Microsoft" });
    let subject = super::sbc_at(ctx, message).to_string();
    Ok(Some(Violation { severity: RULE.severity, subject, value, message: text, evidence }))
}
