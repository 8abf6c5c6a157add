//! DR064: a call that was declined is sent again.

use super::placed::{outcome, shown, without_calls};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;
use crate::trunk::{Answer, Placed, TrunkHistory};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR064-retry-after-603",
    title: "A call is sent again after it was declined",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR064-retry-after-603.md"),
    check: Check::Trunk(check),
};

/// What the user does not want to hear again.
const DECLINED: u16 = 603;
/// Busy, not reached, busy everywhere: another try is less of a nuisance.
const NO_WISH: [u16; 3] = [480, 486, 600];
/// Nobody dials again so soon.
const BY_MACHINE: Span = Span::secs(3);
/// So soon it may be a machine or a person.
const SOON: Span = Span::secs(20);
/// A caller's leg that is still open may be sent on for so long.
const OPEN: Span = Span::secs(180);

/// What shows that the second call is a try of the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// The caller's leg is open all the time.
    Open,
    /// It comes too soon for a person.
    TooSoon,
    /// It comes soon, and the trunk side is not seen.
    Soon,
}

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let placed = &history.placed;
    if placed.calls.is_empty() {
        return without_calls(placed);
    }
    let tries = placed.tries();
    let (mut violations, mut lack, mut judged) = (Vec::new(), None, false);
    for call in &placed.calls {
        let is_refusal = |answer: &&Answer| answer.status == DECLINED || NO_WISH.contains(&answer.status);
        let Some(answer) = call.answer.as_ref().filter(is_refusal) else { continue };
        let at = answer.seen.at;
        let mut later = tries.after(call, at + OPEN).filter(|next| next.seen.seq > answer.seen.seq);
        let again = later.find_map(|next| Some((next, sign(call, answer, next)?)));
        match again {
            Some((next, sign)) => violations.push(violation(sbc, call, answer, next, sign)),
            None if answer.status == DECLINED && ctx.clock - at <= BY_MACHINE => {
                lack = lack.or(Some("the capture ends right after the call was declined".to_owned()));
            }
            None if answer.status == DECLINED && placed.is_beyond(at, at + SOON) => lack = lack.or(Some(super::placed::BEYOND.to_owned())),
            None => judged |= answer.status == DECLINED,
        }
    }
    if judged || lack.is_some() || !violations.is_empty() { outcome(violations, lack) } else { Outcome::NotApplicable }
}

/// Whether the next call, which has the same called number, is a try of the one that was refused.
fn sign(call: &Placed, answer: &Answer, next: &Placed) -> Option<Sign> {
    let gap = next.seen.at - answer.seen.at;
    let callers = call.caller.zip(next.caller).is_some_and(|(one, other)| one == other);
    if next.call == call.call {
        return Some(Sign::Open);
    }
    match (call.trunk, next.trunk) {
        (Some(one), Some(other)) if one.call == other.call => return Some(Sign::Open),
        // Who dials anew has a new leg on the trunk side.
        (_, Some(_)) => return (callers && gap <= BY_MACHINE).then_some(Sign::TooSoon),
        (Some(one), None) if callers && one.hung_up.is_none() && one.ended.is_none_or(|ended| ended > next.seen.at) => {
            return Some(Sign::Open);
        }
        _ => {}
    }
    match gap {
        _ if !callers => None,
        gap if gap <= BY_MACHINE => Some(Sign::TooSoon),
        gap if gap <= SOON => Some(Sign::Soon),
        _ => None,
    }
}

fn violation(sbc: IpAddr, call: &Placed, answer: &Answer, next: &Placed, sign: Sign) -> Violation {
    let severity = if answer.status == DECLINED && sign != Sign::Soon { Severity::Warning } else { Severity::Info };
    let after = (next.seen.at - answer.seen.at).as_millis_f64() / 1000.0;
    let why = match sign {
        Sign::Open => ", while the caller's leg is open",
        Sign::TooSoon => ", too soon for a person",
        Sign::Soon => "; the trunk side is not seen, and it may be the caller who dials again",
    };
    let message = format!("{sbc} sends a call again {after:.1} s after Microsoft's {}{why}", answer.status);
    let evidence = std::iter::once(Evidence::new(&next.seen, next.line.clone())).chain(shown(call)).collect();
    let value = format!("{} {}", answer.status, if severity == Severity::Info { "soon" } else { "at once" });
    Violation { severity, subject: sbc.to_string(), value, message, evidence }
}
