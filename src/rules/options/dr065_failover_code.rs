//! DR065: the SBC refuses a call because of a fault behind it, with a code on which Microsoft does not try the next trunk.

use super::taken::{CUT, Taken, taken};
use crate::call::{Leg, LegMessage, Reason, reason, reasons};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, lossy};
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR065-failover-code",
    title: "A fault behind the SBC is reported with a code that triggers no failover",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR065-failover-code.md"),
    check: Check::Leg(check),
};

/// Codes on which Microsoft tries the next trunk where nothing else is configured (FailoverResponseCodes).
const USUAL: [u16; 3] = [408, 503, 504];
/// Codes that speak of the callee or the number, and not of the way there; 480 is what a callee who does not answer makes.
const OF_CALLEE: [u16; 9] = [404, 410, 480, 484, 486, 600, 603, 604, 607];

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let (mut violations, mut lack, mut clean) = (Vec::new(), None, false);
    for taken in taken(leg, ctx) {
        match judge(&taken, ctx) {
            Outcome::Violated(more) => violations.extend(more),
            Outcome::NotChecked(why) => lack = lack.or(Some(why)),
            Outcome::Clean => clean = true,
            Outcome::NotApplicable => {}
        }
    }
    match lack {
        _ if !violations.is_empty() => Outcome::Violated(violations),
        Some(why) => Outcome::NotChecked(why),
        None if clean => Outcome::Clean,
        None => Outcome::NotApplicable,
    }
}

fn judge(taken: &Taken<'_>, ctx: &Ctx<'_>) -> Outcome {
    let Some((last, status)) = taken.last().and_then(|last| Some((last, last.start.status?))) else { return Outcome::NotApplicable };
    // After progress Microsoft stays with the trunk whatever comes, and a call that it cancelled ends as it wished.
    if status < 400 || taken.progress().is_some() || taken.cancel().is_some() {
        return Outcome::NotApplicable;
    }
    let codes = match codes(taken, status, ctx) {
        Ok(codes) if codes.contains(&status) => return Outcome::Clean,
        Ok(codes) => codes,
        Err(why) => return Outcome::NotChecked(why),
    };
    let Some(fault) = fault(taken, last, ctx) else {
        let says = !reasons(&last.sip()).is_empty() || OF_CALLEE.contains(&status);
        return match says {
            true => Outcome::Clean,
            false if last.sip().head_cut() => Outcome::NotChecked(CUT.to_owned()),
            false => {
                Outcome::NotChecked("neither a Reason header nor a leg on the trunk side tells why the SBC refused the call".to_owned())
            }
        };
    };
    let (sbc, list) = (taken.sbc(), codes.iter().map(u16::to_string).collect::<Vec<_>>().join(", "));
    let message = format!(
        "{sbc} answers Microsoft's INVITE with {status} because of {}, and only {list} make Microsoft try the next trunk",
        fault.what
    );
    let line = lossy(last.sip().start_line()).into_owned();
    let evidence = std::iter::once(Evidence::new(&last.message.seen(), line)).chain(fault.shown).collect();
    let value = format!("{status} for {}", fault.value);
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject: sbc.to_string(), value, message, evidence }])
}

/// The codes that make Microsoft try the next trunk; fails where it depends on which gateway carries the call, and nothing tells.
fn codes(taken: &Taken<'_>, status: u16, ctx: &Ctx<'_>) -> Result<Vec<u16>, String> {
    let of = |codes: &Option<Vec<u16>>| codes.clone().unwrap_or_else(|| USUAL.to_vec());
    let all: Vec<Vec<u16>> = taken.gateways(ctx).iter().map(|gateway| of(&gateway.failover_codes)).collect();
    match all.as_slice() {
        [] => Ok(USUAL.to_vec()),
        [first, rest @ ..] if rest.iter().all(|codes| codes.contains(&status) == first.contains(&status)) => Ok(first.clone()),
        _ => Err(ctx.carriers().map(|carriers| carriers.lack()).unwrap_or_default()),
    }
}

/// A fault of the network behind the SBC.
struct Fault {
    what: String,
    value: String,
    shown: Vec<Evidence>,
}

/// By the cause in the SBC's own response, else in that of the leg behind it, else since nobody there answers at all.
fn fault(taken: &Taken<'_>, last: &LegMessage, ctx: &Ctx<'_>) -> Option<Fault> {
    let own = reasons(&last.sip());
    if let Some(fault) = by_cause(&own, vec![Evidence::new(&last.message.seen(), reason_line(last))]) {
        return Some(fault);
    }
    // What the SBC says of the call itself is its cause; else what it heard.
    if own.iter().any(|reason| reason.q850().is_some()) {
        return None;
    }
    taken.sent_on(ctx.call?, ctx).iter().find_map(|sent| {
        let shown = |message: &LegMessage, line: String| vec![Evidence::new(&message.message.seen(), line)];
        let timed_out = |what: &str, value: &str, message: &LegMessage| {
            let line = lossy(message.sip().start_line()).into_owned();
            Some(Fault {
                what: format!("{what} of {}", sent.invite.message.dst().ip()),
                value: value.to_owned(),
                shown: shown(message, line),
            })
        };
        match sent.last() {
            Some(answer) if answer.start.status == Some(408) && sent.progress().is_none() => timed_out("a 408", "408", answer),
            Some(answer) => by_cause(&reasons(&answer.sip()), shown(answer, reason_line(answer))),
            None if sent.transaction.provisional.is_empty() && sent.hears_far(ctx) => timed_out("the silence", "no answer", sent.invite),
            None => None,
        }
    })
}

fn by_cause(reasons: &[Reason], shown: Vec<Evidence>) -> Option<Fault> {
    let cause = reason::network_cause(reasons)?;
    let name = reason::cause_name(cause).unwrap_or_default();
    Some(Fault { what: format!("Q.850 cause {cause} ({name})"), value: format!("Q.850 {cause}"), shown })
}

fn reason_line(message: &LegMessage) -> String {
    let value = message.sip().first(HeaderName::Reason).unwrap_or_default();
    format!("Reason: {}", lossy(&value))
}
