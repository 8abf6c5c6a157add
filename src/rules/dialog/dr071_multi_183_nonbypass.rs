//! DR071: Microsoft answers one INVITE with several 183 although the trunk is not in media bypass.

use super::{CUT, Said, direct, is_cut, proof};
use crate::call::{Leg, LegMessage, Recognition};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::{
    gateway::first_invite,
    mode::{Known, mode},
};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR071-multi-183-nonbypass",
    title: "Several 183 on a trunk without media bypass",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR071-multi-183-nonbypass.md"),
    check: Check::Leg(check),
};

/// Responses that are shown as proof.
const MOST_SHOWN: usize = 8;

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, recognition)) = direct(ctx) else { return Outcome::NotApplicable };
    let mut said = Said::default();
    let known = OnceCell::new();
    let known = || known.get_or_init(|| mode(leg, recognition, ctx.topology)).clone();
    let all = progress(leg, recognition);
    if all.is_empty() && first_invite(leg).is_some_and(|invite| !recognition.is_microsoft(invite.message.src(), invite.message.dst())) {
        said.lacks("no response of Microsoft's is in the capture");
    }
    for progress in all.values() {
        said.add(judge(progress, known));
    }
    match said.outcome() {
        Outcome::NotApplicable => Outcome::NotApplicable,
        // Any number is normal there.
        _ if known().is_ok_and(|known| known.mode.is_bypass()) => Outcome::NotApplicable,
        other => other,
    }
}

/// Microsoft's responses to each INVITE outside a dialog: those that are 183. One that only differs in what it describes passes for a
/// retransmission, so these are looked at too.
fn progress<'l>(leg: &'l Leg, recognition: &Recognition) -> BTreeMap<u32, Vec<&'l LegMessage>> {
    let mut all: BTreeMap<u32, Vec<&LegMessage>> = BTreeMap::new();
    let is_initial = |message: &LegMessage| {
        let request = leg.transaction_of(message).and_then(|transaction| leg.message(transaction.request?));
        request.is_none_or(|request| !request.start.has_to_tag)
    };
    for message in leg.messages.iter().filter(|m| !m.start.is_request && m.start.method == Method::Invite && is_initial(m)) {
        if recognition.is_microsoft(message.message.src(), message.message.dst()) {
            let list = all.entry(message.transaction).or_default();
            list.extend((message.start.status == Some(183)).then_some(message));
        }
    }
    all
}

fn judge(progress: &[&LegMessage], known: impl Fn() -> Result<Known, String>) -> Result<Option<Violation>, String> {
    let (Some(what), Some(first)) = (differ(progress), progress.first()) else {
        return if progress.len() > 1 && progress.iter().any(|message| is_cut(message)) { Err(CUT.to_owned()) } else { Ok(None) };
    };
    let known = known()?;
    let sbc = first.message.dst().ip();
    let (severity, by) = match known.told {
        true => (RULE.severity, String::new()),
        false => (Severity::Info, "seems so by the call: ".to_owned()),
    };
    let message = format!("Microsoft answers one INVITE of {sbc} with {what}, and the trunk is not in media bypass: {by}{}", known.why);
    let evidence = progress.iter().take(MOST_SHOWN).map(|message| proof(message)).collect();
    Ok(Some(Violation { severity, subject: sbc.to_string(), value: "several 183".to_owned(), message, evidence }))
}

/// In what the 183 differ, if they do: a reliable one that is sent again is the same one.
fn differ(progress: &[&LegMessage]) -> Option<String> {
    let tags: BTreeSet<&[u8]> = progress.iter().filter_map(|message| message.sip().to_tag()).collect();
    if tags.len() > 1 {
        return Some(format!("183 of {} To tags", tags.len()));
    }
    let described: BTreeSet<Vec<u8>> =
        progress.iter().filter(|m| !is_cut(m)).filter_map(|m| m.sip().sdp().map(|sdp| sdp.into_owned())).collect();
    (described.len() > 1).then(|| format!("183 of {} session descriptions", described.len()))
}
