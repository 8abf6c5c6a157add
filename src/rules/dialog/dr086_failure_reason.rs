//! DR086: Microsoft rejected a call; what its answer says.

use crate::call::{LegMessage, Reason, explain, reason, reasons};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Method, lossy};
use crate::rules::{Answer, Check, Ctx, Direction, Heeds, RULES, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR086-failure-reason",
    title: "Microsoft rejected the call: what its answer says",
    severity: Severity::Info,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR086-failure-reason.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT.requests(&[]).and_answers(&[Method::Invite], &[Answer::Refused]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let Some(status) = message.start.status.filter(|status| (400..700).contains(status)) else { return Outcome::NotApplicable };
    if message.start.method != Method::Invite || !ctx.from_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let reasons = reasons(&sip);
    if reason::is_user_outcome(status, &reasons, rang(message, ctx), is_cancelled(message, ctx)) {
        return Outcome::Clean;
    }
    let request = ctx.request(message);
    let broken = request.map(|request| broken(request, ctx)).unwrap_or_default();
    let (sbc, code) = (message.message.dst().ip(), format!("{status} {}", sip.reason()));
    let name = request.map_or_else(
        || "INVITE".to_owned(),
        |request| if request.start.has_to_tag { "re-INVITE".to_owned() } else { ctx.name_of(request) },
    );
    let said: Vec<String> = reasons.iter().filter_map(Reason::said).collect();
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
    let meaning = explain(status, &reasons).meaning;
    let see = if broken.is_empty() { String::new() } else { format!("; the request breaks {}", broken.join(", ")) };
    let text = format!("Microsoft answers {name} of {sbc} with {}{said}: {meaning}{see}", code.trim());
    // Every call has another GUID: what differs in nothing else is one finding.
    let value = format!("{status}{said}");
    let line = lossy(sip.start_line()).into_owned();
    let reason = sip.first(HeaderName::Reason).map(|value| format!("; Reason: {}", lossy(&value))).unwrap_or_default();
    let mut evidence = vec![Evidence::new(&message.message.seen(), format!("{line}{reason}"))];
    evidence.extend(request.map(|r| Evidence::new(&r.message.seen(), lossy(r.sip().start_line()))));
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject: sbc.to_string(), value, message: text, evidence }])
}

/// A provisional response other than 100 came before.
fn rang(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let Some((leg, transaction)) = ctx.leg.map(|(leg, _)| leg).zip(ctx.transaction(message)) else { return false };
    transaction.provisional.iter().filter_map(|idx| leg.message(*idx)).any(|m| m.start.status.is_some_and(|status| status > 100))
}

/// A CANCEL of the same request came before.
fn is_cancelled(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let Some((leg, transaction)) = ctx.leg.map(|(leg, _)| leg).zip(ctx.transaction(message)) else { return false };
    leg.transactions.iter().any(|t| t.method == Method::Cancel && t.number == transaction.number && t.request.is_some())
}

/// Short ids of the rules on messages that the request breaks.
fn broken(request: &LegMessage, ctx: &Ctx<'_>) -> Vec<&'static str> {
    let breaks = |rule: &&&Rule| matches!(rule.check, Check::Message(_, check) if matches!(check(request, ctx), Outcome::Violated(_)));
    RULES.iter().filter(breaks).map(|rule| rule.id.split('-').next().unwrap_or(rule.id)).collect()
}
