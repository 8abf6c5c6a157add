//! DR106: the INVITE that follows a REFER does not say who transferred.

use super::{REFER, is_refer, meant, status};
use crate::call::{LegMessage, transfer};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    identity::written::{CUT, absent, single},
};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR106-referred-by-lost",
    title: "Referred-By is not copied to the INVITE of a transfer",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transfer/DR106-referred-by-lost.md"),
    check: Check::Message(REFER, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !is_refer(message, ctx) || !status(message, ctx).is_some_and(|status| (200..300).contains(&status)) {
        return Outcome::NotApplicable;
    }
    let Some(by) = single(message, HeaderName::ReferredBy) else { return absent(message) };
    let all = meant(message, ctx);
    let copies = all.iter().map(|one| (single(one.invite, HeaderName::ReferredBy), one));
    let mut copies: Vec<_> = copies.filter(|(copy, _)| copy.as_deref().is_none_or(|copy| is_shorter(copy, &by))).collect();
    if copies.len() < all.len() {
        return Outcome::Clean;
    }
    let Some((copy, one)) = copies.pop() else { return Outcome::NotApplicable };
    if one.invite.sip().head_cut() {
        return Outcome::NotChecked(CUT.to_owned());
    }
    // The value says who transferred, and to whom: only its length is told.
    let said = |value: &str| format!("Referred-By of {} characters", value.chars().count());
    let (sbc, own) = (message.message.dst().ip(), copy.as_deref().map_or("no Referred-By".to_owned(), said));
    let answer = one.answer();
    let is_refused = answer.and_then(|answer| answer.start.status).is_some_and(is_refusal);
    let mut evidence = vec![Evidence::new(&message.message.seen(), said(&by)), Evidence::new(&one.invite.message.seen(), own.clone())];
    evidence.extend(answer.map(|m| Evidence::new(&m.message.seen(), lossy(m.sip().start_line()))));
    Outcome::Violated(vec![Violation {
        severity: if is_refused { Severity::Error } else { RULE.severity },
        subject: sbc.to_string(),
        value: if copy.is_some() { "shortened" } else { "none" }.to_owned(),
        message: format!("INVITE from {sbc} has {own}, and the REFER that it follows has {}", said(&by)),
        evidence,
    }])
}

/// Something of the original is missing in the copy.
fn is_shorter(copy: &str, by: &str) -> bool {
    let theirs = transfer::extensions(copy);
    let begins = copy.len() < by.len() && by.starts_with(copy.trim_end_matches('>'));
    begins || transfer::extensions(by).iter().any(|one| !theirs.contains(one))
}

/// The call failed, and not because of whom it was for.
fn is_refusal(status: u16) -> bool {
    status >= 300 && !matches!(status, 401 | 407 | 408 | 480 | 486 | 487 | 600 | 603)
}
