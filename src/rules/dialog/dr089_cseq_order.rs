//! DR089: a request of a dialog whose CSeq number is not higher than that of the sender's request before.

use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity};
use crate::flow::{Origin, Transport};
use crate::proto::sip::{HeaderName, Method};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{CUT, Found, line, with_microsoft},
    by_sender,
};
use std::collections::HashMap;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR089-cseq-order",
    title: "CSeq does not rise within a dialog",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR089-cseq-order.md"),
    check: Check::Leg(check),
};

/// A sender within a dialog: whether it is the SBC, its tag, and the other's; without that, the request that made the dialogs.
type Sender<'l> = (bool, &'l [u8], &'l [u8]);

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    let mut highest: HashMap<Sender<'_>, (u32, &LegMessage)> = HashMap::new();
    let mut made = false;
    for message in with_microsoft(leg, ctx).filter(|message| is_judged(message)) {
        let sip = message.sip();
        let (Some((number, _)), Some(from), false) = (sip.cseq(), sip.from_tag(), sip.head_cut()) else {
            found.lacks(if sip.head_cut() { CUT } else { "a request has no CSeq or no From tag that can be read" });
            continue;
        };
        let (by_sbc, to) = (ctx.to_microsoft(message), sip.to_tag().unwrap_or_default());
        let sender = (by_sbc, from, to);
        let before = highest.get(&sender).or_else(|| highest.get(&(by_sbc, from, &[]))).copied();
        if to.is_empty() {
            made = true;
        } else if !made {
            found.lacks("the request that made the dialog is not in the capture");
            continue;
        } else {
            judge(message, number, before, ctx, &mut found);
        }
        if before.is_none_or(|(known, _)| number > known) || !highest.contains_key(&sender) {
            let top = before.filter(|(known, _)| *known >= number).unwrap_or((number, message));
            highest.insert(sender, top);
        }
    }
    found.outcome()
}

/// ACK and CANCEL have the number of their INVITE.
fn is_judged(message: &LegMessage) -> bool {
    message.start.is_request && !matches!(message.start.method, Method::Ack | Method::Cancel)
}

fn judge(message: &LegMessage, number: u32, before: Option<(u32, &LegMessage)>, ctx: &Ctx<'_>, found: &mut Found) {
    let Some((highest, earlier)) = before.filter(|(highest, _)| number <= *highest) else {
        found.clean = true;
        return;
    };
    let (sip, sender) = (message.sip(), message.message.src().ip());
    let is_again = || sip.branch().is_some() && sip.branch() == earlier.sip().branch();
    // A request that goes to the next server after a failure is the same but for the branch (RFC 3263 section 4.3).
    let fails_over = || {
        let same = (number, message.start.method) == (highest, earlier.start.method);
        same && message.message.dst().ip() != earlier.message.dst().ip()
    };
    if is_again() || fails_over() {
        found.clean = true;
        return;
    }
    if !is_ordered(message, earlier) {
        return found.lacks("the requests came over several connections, which do not tell which was sent first");
    }
    let refused = ctx.answer(message).is_some_and(|answer| answer.start.status == Some(500));
    let (severity, then) = if refused { (Severity::Error, ", and 500 comes back") } else { (Severity::Warning, "") };
    let (name, first) = (ctx.name_of(message), ctx.name_of(earlier));
    let said = format!("{name} from {sender} has CSeq number {number} after {first} with {highest}{then}");
    let mut violation = by_sender(ctx, message, severity, name, said, &line(&sip, HeaderName::CSeq));
    violation.evidence.push(Evidence::new(&earlier.message.seen(), line(&earlier.sip(), HeaderName::CSeq)));
    found.violations.push(violation);
}

/// One connection carried both, and so keeps their order.
fn is_ordered(one: &LegMessage, other: &LegMessage) -> bool {
    let (one, other) = (one.message.course(), other.message.course());
    one.connection == other.connection && one.transport != Transport::Udp && one.origin != Origin::Exported
}
