//! How a leg came out: from the final response of its last INVITE outside a dialog, CANCEL and BYE.

use super::{Leg, LegKind, Transaction};
use crate::proto::sip::Method;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// A 2xx, and a BYE.
    Answered,
    /// Refused by 4xx or 6xx.
    Rejected,
    /// CANCEL before an answer.
    Cancelled,
    /// Rang and nobody answered, or nothing came back at all.
    NoAnswer,
    /// 3xx.
    Redirected,
    /// 5xx, or 408 without ringing.
    Failed,
    /// Not over where the capture ends.
    InProgress,
}

impl CallOutcome {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            CallOutcome::Answered => "answered",
            CallOutcome::Rejected => "rejected",
            CallOutcome::Cancelled => "cancelled",
            CallOutcome::NoAnswer => "no_answer",
            CallOutcome::Redirected => "redirected",
            CallOutcome::Failed => "failed",
            CallOutcome::InProgress => "in_progress",
        }
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Timer B: an INVITE that got nothing back by then is given up (RFC 3261 section 17.1.1.2).
const TIMER_B: Span = Span::secs(32);

/// Outcome of a leg; `silent` is how long nothing was heard of it when it was closed. `None` for what is no call, and for calls
/// whose set-up was not seen.
pub fn outcome(leg: &Leg, silent: Span) -> Option<CallOutcome> {
    if leg.kind != LegKind::Call {
        return None;
    }
    if leg.answered.is_some() {
        return Some(if leg.bye { CallOutcome::Answered } else { CallOutcome::InProgress });
    }
    let invite = deciding(leg);
    let rang = invite.is_some_and(|t| !t.provisional.is_empty() && !leg.dialogs.is_empty());
    match invite.and_then(|t| t.status(leg)) {
        Some(487) => Some(CallOutcome::Cancelled),
        _ if leg.cancelled => Some(CallOutcome::Cancelled),
        Some(300..=399) => Some(CallOutcome::Redirected),
        Some(408 | 480) if rang => Some(CallOutcome::NoAnswer),
        Some(408 | 500..=599) => Some(CallOutcome::Failed),
        Some(400..) => Some(CallOutcome::Rejected),
        _ if leg.bye => None,
        _ if invite.is_some() && silent < TIMER_B => Some(CallOutcome::InProgress),
        _ if invite.is_some() => Some(CallOutcome::NoAnswer),
        _ => None,
    }
}

/// The transaction whose final response decides the leg: the answered initial INVITE, else the last initial INVITE, else for other
/// kinds the last transaction with a final response.
pub fn deciding(leg: &Leg) -> Option<&Transaction> {
    let ok = |t: &&Transaction| t.status(leg).is_some_and(|s| (200..300).contains(&s));
    if leg.kind == LegKind::Call {
        return leg.initial_invites().find(ok).or_else(|| leg.initial_invites().last());
    }
    leg.transactions.iter().rev().find(|t| t.last.is_some()).or(leg.transactions.last())
}

/// INVITE to its first ringing or final response; `None` without both.
pub fn setup(leg: &Leg) -> Option<Span> {
    let mut invites = leg.transactions.iter().filter(|t| t.method == Method::Invite);
    let invite = leg.message(invites.find_map(|t| t.request)?)?;
    let rang = |m: &&super::LegMessage| m.start.method == Method::Invite && m.start.status.is_some_and(|s| s > 100 && s != 401 && s != 407);
    let response = leg.messages.iter().find(rang)?;
    Some(response.message.at() - invite.message.at())
}
