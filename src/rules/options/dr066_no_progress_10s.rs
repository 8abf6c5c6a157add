//! DR066: the SBC gives no progress in the time that Microsoft waits for it.

use super::taken::{Taken, taken};
use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::lossy;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR066-no-progress-10s",
    title: "No progress within 10 seconds",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR066-no-progress-10s.md"),
    check: Check::Leg(check),
};

/// FailoverTimeSeconds where nothing else is configured.
const USUAL: i64 = 10;
/// Microsoft's timer ran before the INVITE came here.
const EARLY: Span = Span::millis(500);

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let (mut violations, mut lack, mut clean) = (Vec::new(), None, false);
    for taken in taken(leg, ctx) {
        match judge(&taken, ctx) {
            Ok(Some(violation)) => violations.push(violation),
            Ok(None) => clean = true,
            Err(why) => lack = lack.or(Some(why)),
        }
    }
    match lack {
        _ if !violations.is_empty() => Outcome::Violated(violations),
        Some(why) => Outcome::NotChecked(why),
        None if clean => Outcome::Clean,
        None => Outcome::NotApplicable,
    }
}

fn judge(taken: &Taken<'_>, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let begun = taken.invite.message.at();
    let seconds = seconds(taken, ctx)?;
    let due = begun + Span::secs(seconds) - EARLY;
    let cancel = taken.cancel();
    // What the SBC says to a CANCEL is no progress.
    let responses = [taken.progress(), taken.last()].into_iter().flatten();
    let first = responses.min_by_key(|message| message.message.seq()).filter(|m| cancel.is_none_or(|c| m.message.seq() < c.message.seq()));
    match (first, cancel) {
        // It came late, and Microsoft waited: then it waits longer than is known.
        (Some(_), _) => Ok(None),
        (None, Some(cancel)) if cancel.message.at() < due => Ok(None),
        (None, Some(_)) if !taken.hears_sbc(ctx) => Err("nothing that the SBC sends is in the capture".to_owned()),
        (None, Some(cancel)) => {
            let (sbc, waited) = (taken.sbc(), (cancel.message.at() - begun).as_millis_f64() / 1000.0);
            let message = format!("{sbc} gives Microsoft no progress, and after {waited:.1} s Microsoft cancels the call");
            let line = |m: &LegMessage| lossy(m.sip().start_line()).into_owned();
            let evidence = [taken.invite, cancel].map(|m| Evidence::new(&m.message.seen(), line(m))).into();
            let value = format!("no progress in {seconds} s");
            Ok(Some(Violation { severity: RULE.severity, subject: sbc.to_string(), value, message, evidence }))
        }
        (None, None) => Err("neither an answer to the INVITE nor a CANCEL is in the capture".to_owned()),
    }
}

/// How long Microsoft waits: the shortest time of the gateways that may carry the call.
fn seconds(taken: &Taken<'_>, ctx: &Ctx<'_>) -> Result<i64, String> {
    let times: Vec<i64> = taken.gateways(ctx).iter().map(|gateway| gateway.failover_seconds.map_or(USUAL, i64::from)).collect();
    match times.as_slice() {
        [] => Ok(USUAL),
        [first, rest @ ..] if rest.iter().all(|time| time == first) => Ok(*first),
        _ => Err(ctx.carriers().map(|carriers| carriers.lack()).unwrap_or_default()),
    }
}
