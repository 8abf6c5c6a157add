//! DR060: a 503 with Retry-After, and the call does not go to the next datacentre.

use super::placed::{BEYOND, TIMER_B, UNREAD, has_names, is_hidden, outcome, shown, without_calls};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{Answer, Name, Placed, PlacedCalls, Tries, TrunkHistory};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR060-retry-after-ignored",
    title: "503 with Retry-After, and the call does not go to the next datacentre",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR060-retry-after-ignored.md"),
    check: Check::Trunk(check),
};

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let placed = &history.placed;
    if placed.calls.is_empty() {
        return without_calls(placed);
    }
    let tries = placed.tries();
    let (mut violations, mut lack, mut judged) = (Vec::new(), None, false);
    for call in &placed.calls {
        let Some(answer) = call.answer.as_ref().filter(|answer| answer.status == 503 && answer.retry_after.is_some()) else { continue };
        if !has_names(ctx, call.to.ip(), call.seen.at) {
            continue;
        }
        match after(sbc, call, answer, placed, &tries, ctx) {
            Ok(violation) => {
                violations.extend(violation);
                judged = true;
            }
            Err(why) => lack = lack.or(Some(why.to_owned())),
        }
    }
    if judged || lack.is_some() { outcome(violations, lack) } else { Outcome::NotApplicable }
}

/// What the SBC did after the refusal: a violation, none where it was right, or what is missing.
fn after(
    sbc: IpAddr,
    call: &Placed,
    answer: &Answer,
    placed: &PlacedCalls,
    tries: &Tries<'_>,
    ctx: &Ctx<'_>,
) -> Result<Option<Violation>, &'static str> {
    let (at, until, microsoft) = (answer.seen.at, answer.seen.at + TIMER_B, call.to.ip());
    let next = tries.after(call, until).find(|next| next.seen.seq > answer.seen.seq && call.is_same_call(next));
    let seconds = answer.retry_after.flatten().map(|seconds| format!(" {seconds}")).unwrap_or_default();
    let refused = format!("Microsoft's {microsoft} answers an INVITE of {sbc} with 503 and Retry-After{seconds}");
    let violation = |value: &str, message: String, evidence: Vec<Evidence>| {
        let value = format!("{value} {microsoft}");
        Ok(Some(Violation { severity: RULE.severity, subject: sbc.to_string(), value, message, evidence }))
    };
    if let Some(next) = next {
        let other_name = call.name.zip(next.name).is_some_and(|(one, other)| one != other);
        if next.to.ip() != microsoft || other_name || tried_all(call, tries) {
            return Ok(None);
        }
        let evidence = std::iter::once(Evidence::new(&next.seen, next.line.clone())).chain(shown(call)).collect();
        return violation("again to", format!("{refused}, and the SBC sends the call there again"), evidence);
    }
    if call.is_given_up() || call.elsewhere.is_some() || tried_all(call, tries) {
        return Ok(None);
    }
    if ctx.clock - at <= TIMER_B {
        return Err("the capture ends before the SBC had time to try the next datacentre");
    }
    if placed.is_beyond(at, until) {
        return Err(BEYOND);
    }
    if is_hidden(placed, at, until, microsoft) {
        return Err(UNREAD);
    }
    violation("nowhere after", format!("{refused}, and the SBC does not try the next name of the service"), shown(call))
}

/// This was the last of three: no name or address is left.
fn tried_all(call: &Placed, tries: &Tries<'_>) -> bool {
    let tried: Vec<&Placed> = tries.before(call).filter(|earlier| !earlier.accepted).collect();
    let addresses: BTreeSet<IpAddr> = tried.iter().map(|earlier| earlier.to.ip()).chain([call.to.ip()]).collect();
    let names: BTreeSet<Name> = tried.iter().filter_map(|earlier| earlier.name).chain(call.name).collect();
    addresses.len() >= Name::ALL.len() || names.len() >= Name::ALL.len()
}
