//! DR053: an OPTIONS of the SBC that gets no response.

use super::answer::{self, Answer};
use super::times::seconds;
use crate::call::LegMessage;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{Method, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR053-options-unanswered",
    title: "OPTIONS gets no response",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR053-options-unanswered.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Options]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !message.start.is_request || message.start.method != Method::Options {
        return Outcome::NotApplicable;
    }
    let (from, to) = (message.message.src().ip(), message.message.dst().ip());
    let violation = |value: &str, says: &str, ended: Option<Evidence>| -> Violation {
        let text = format!("OPTIONS from {from} to {to} {says}");
        let line = lossy(message.sip().start_line()).into_owned();
        let mut violation = by_sender(ctx, message, RULE.severity, format!("{to}: {value}"), text, &line);
        violation.evidence.extend(ended);
        violation
    };
    match answer::of(message, ctx) {
        Answer::Final(_) => Outcome::Clean,
        Answer::Late(last) => {
            let after = seconds(last.message.at() - message.message.at());
            Outcome::Violated(vec![violation("late", &format!("is answered after {after} s only"), None)])
        }
        Answer::Never(ended) => {
            let says = match &ended {
                Some(ended) => format!("gets no response but {}", ended.excerpt),
                None => "gets no response within 32 s".to_owned(),
            };
            Outcome::Violated(vec![violation("no response", &says, ended)])
        }
        Answer::Unknown(why) => Outcome::NotChecked(why.to_owned()),
    }
}
