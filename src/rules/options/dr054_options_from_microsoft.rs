//! DR054: an OPTIONS of Microsoft's that the SBC does not answer with 200.

use super::answer::{self, Answer};
use super::times::seconds;
use crate::call::LegMessage;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{Method, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR054-options-from-microsoft",
    title: "The SBC does not answer Microsoft's OPTIONS with 200",
    severity: Severity::Error,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR054-options-from-microsoft.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT.requests(&[Method::Options]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let (from, sbc) = (message.message.src().ip(), message.message.dst().ip());
    let is_options = message.start.is_request && message.start.method == Method::Options;
    // Anybody can call himself the service; nobody else can send from its addresses.
    if !is_options || !ctx.from_microsoft(message) || !ctx.topology.is_microsoft_signalling(from, message.message.at()) {
        return Outcome::NotApplicable;
    }
    let violation = |value: &str, message_text: String, ended: Option<Evidence>| -> Outcome {
        let mut evidence = ctx.proof(message, &lossy(message.sip().start_line()));
        evidence.extend(ended);
        let (severity, subject) = (RULE.severity, sbc.to_string());
        Outcome::Violated(vec![Violation { severity, subject, value: value.to_owned(), message: message_text, evidence }])
    };
    match answer::of(message, ctx) {
        Answer::Final(last) if last.start.status == Some(200) => Outcome::Clean,
        Answer::Final(last) => {
            let line = lossy(last.sip().start_line()).into_owned();
            let line = line.strip_prefix("SIP/2.0 ").unwrap_or(&line).to_owned();
            let status = last.start.status.map_or_else(|| line.clone(), |status| status.to_string());
            violation(&status, format!("{sbc} answers OPTIONS of Microsoft's {from} with {line}"), None)
        }
        Answer::Late(last) => {
            let after = seconds(last.message.at() - message.message.at());
            violation("late", format!("{sbc} answers OPTIONS of Microsoft's {from} after {after} s only"), None)
        }
        Answer::Never(ended) => {
            let but = ended.as_ref().map_or_else(|| "within 32 s".to_owned(), |ended| format!("but {}", ended.excerpt));
            violation("no response", format!("{sbc} gives no answer to OPTIONS of Microsoft's {from} {but}"), ended)
        }
        Answer::Unknown(why) => Outcome::NotChecked(why.to_owned()),
    }
}
