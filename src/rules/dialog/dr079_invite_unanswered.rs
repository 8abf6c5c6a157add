//! DR079: an INVITE that gets no response at all, not even 100.

use super::{CUT, LET_GO, heard, proof, sbc_at};
use crate::call::{LegMessage, Transaction};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::gateway::first_invite;
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR079-invite-unanswered",
    title: "An INVITE without any response",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR079-invite-unanswered.md"),
    check: Check::Message(Heeds::BETWEEN.requests(&[Method::Invite]), check),
};

/// Timer B (RFC 3261 section 17.1.1.2).
const TIMER_B: Span = Span::secs(32);
/// Who gives up sooner did not wait for the answer (catalogue DR079).
const SOON: Span = Span::secs(5);

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.is_initial_invite(message) || !(ctx.to_microsoft(message) || ctx.from_microsoft(message)) {
        return Outcome::NotApplicable;
    }
    match judge(message, ctx) {
        Ok(None) => Outcome::Clean,
        Ok(Some(violation)) => Outcome::Violated(vec![violation]),
        Err(why) => Outcome::NotChecked(why),
    }
}

fn judge(message: &LegMessage, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let (Some((leg, _)), Some(transaction)) = (ctx.leg, ctx.transaction(message)) else { return Ok(None) };
    // An answer whose Via was spoilt has a transaction of its own.
    let is_its_answer =
        |t: &Transaction| t.method == Method::Invite && t.number == transaction.number && (t.last.is_some() || !t.provisional.is_empty());
    if is_its_answer(transaction) || leg.transactions.iter().any(|t| t.request.is_none() && is_its_answer(t)) {
        return Ok(None);
    }
    if message.sip().head_cut() {
        return Err(CUT.to_owned());
    }
    if leg.let_go > 0 {
        return Err(LET_GO.to_owned());
    }
    let at = message.message.at();
    let cancel = leg.transactions.iter().find(|t| t.method == Method::Cancel && t.number == transaction.number);
    let cancel = cancel.and_then(|cancel| leg.message(cancel.request?));
    let own = leg.initial_invites().filter_map(|invite| leg.message(invite.request?));
    let other = ctx.call.into_iter().flat_map(|call| &call.legs).filter_map(first_invite);
    let next = own.chain(other).filter(|invite| is_next_try(invite, message)).min_by_key(|invite| invite.message.seq());
    let given_up = [cancel, next].into_iter().flatten().min_by_key(|m| m.message.seq());
    let by = given_up.filter(|m| m.message.at() - at <= TIMER_B);
    let waited = match by {
        Some(by) if by.message.at() - at <= SOON => return Err("the INVITE was given up within 5 s".to_owned()),
        Some(by) => by.message.at() - at,
        None if ctx.clock - at < TIMER_B => return Err("the capture ends within 32 s of the INVITE".to_owned()),
        None => TIMER_B,
    };
    heard::is_heard(message, ctx)?;
    let (sbc, peer) = (sbc_at(ctx, message), message.message.dst().ip());
    let (silent, whose) = if ctx.to_microsoft(message) { (format!("Microsoft's {peer}"), "Microsoft") } else { (peer.to_string(), "SBC") };
    let text = format!(
        "{silent} sends no response to the INVITE of {}, not even 100, in {} s",
        message.message.src().ip(),
        waited.0 / 1_000_000_000
    );
    let evidence = [Some(message), by].into_iter().flatten().map(proof).collect();
    let (severity, value) = (RULE.severity, format!("{whose} silent"));
    Ok(Some(Violation { severity, subject: sbc.to_string(), value, message: text, evidence }))
}

/// An INVITE by which its sender tries `before` once more, elsewhere.
fn is_next_try(invite: &LegMessage, before: &LegMessage) -> bool {
    let (own, its) = (&invite.message, &before.message);
    own.seq() > its.seq() && own.src().ip() == its.src().ip() && own.dst().ip() != its.dst().ip()
}
