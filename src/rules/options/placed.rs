//! What the rules on calls that an SBC placed share.

use crate::finding::{Evidence, Outcome, Violation};
use crate::rules::Ctx;
use crate::time::{Span, Timestamp};
use crate::topology::Cloud;
use crate::trunk::{Placed, PlacedCalls};
use std::net::IpAddr;

/// Timer B: an INVITE without any response is given up (RFC 3261 section 17.1.1.2). Who tries the next server does it within so long.
pub const TIMER_B: Span = Span::secs(32);
/// Connections to other addresses that nobody can read may carry what is missed.
pub const UNREAD: &str = "connections of the SBC to other addresses of Microsoft's cannot be read";
/// What was let go is not judged.
pub const BEYOND: &str = "more calls at a time than are remembered";

/// Why a rule on placed calls says nothing of an SBC that placed none: they cannot be read, or there are none.
pub fn without_calls(placed: &PlacedCalls) -> Outcome {
    match placed.reach.links().any(|link| link.unread) {
        true => Outcome::NotChecked("SIP is encrypted, and no call of the SBC to Microsoft can be read".to_owned()),
        false => Outcome::NotApplicable,
    }
}

/// The cloud behind this address has several names for its service; those of governments have one.
pub fn has_names(ctx: &Ctx<'_>, microsoft: IpAddr, at: Timestamp) -> bool {
    ctx.topology.cloud(microsoft, at) == Cloud::Worldwide
}

/// A connection to another address of Microsoft's, at this time, that nobody can read.
pub fn is_hidden(placed: &PlacedCalls, from: Timestamp, until: Timestamp, not: IpAddr) -> bool {
    placed.reach.links().any(|link| link.unread && link.to.ip() != not && link.is_alive(from, until))
}

/// The INVITE and its final response.
pub fn shown(call: &Placed) -> Vec<Evidence> {
    let invite = Evidence::new(&call.seen, call.line.clone());
    let answer = call.answer.as_ref().map(|answer| Evidence::new(&answer.seen, answer.line.clone()));
    std::iter::once(invite).chain(answer).collect()
}

/// Violations, else the first thing that is missing, else clean.
pub fn outcome(violations: Vec<Violation>, lack: Option<String>) -> Outcome {
    match lack {
        _ if !violations.is_empty() => Outcome::Violated(violations),
        Some(why) => Outcome::NotChecked(why),
        None => Outcome::Clean,
    }
}
