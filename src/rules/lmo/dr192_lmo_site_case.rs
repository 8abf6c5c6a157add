//! DR192: a site or an SBC that is spelt with other capitals than where it is defined.

use super::{CUT, by_settings};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity, Violation};
use crate::path::lmo::{PATH, SITE, Told};
use crate::proto::sip::{Uri, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR192-lmo-site-case",
    title: "A name that differs by letter case",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR192-lmo-site-case.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.invite_from_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let told = Told::of(&sip);
    let uri = sip.request_uri().filter(|_| ctx.is_initial_invite(message)).map(lossy).unwrap_or_default();
    let target = Uri::parse(&uri).host.name();
    let last = told.path.as_ref().and_then(|path| path.last()).zip(target);
    if told.site.is_none() && last.is_none() {
        return Outcome::NotApplicable;
    }
    if sip.head_cut() {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let mut violations = Vec::new();
    if let Some((last, target)) = last.filter(|(last, target)| last != target && last.eq_ignore_ascii_case(target)) {
        let said = format!("{PATH} ends at {last}, and the Request-URI calls {target}: they differ by letter case");
        violations.push(by_settings(&RULE, ctx, message, &target.to_ascii_lowercase(), last.clone(), said, &format!("{PATH}: {last}")));
    }
    let sites = &ctx.topology.tables.sites;
    let Some(site) = told.site else { return outcome(violations) };
    if sites.iter().any(|known| *known.id == site) {
        return outcome(violations);
    }
    match sites.iter().find(|known| known.id.eq_ignore_ascii_case(&site)) {
        Some(known) => {
            let said = format!("the user is at site {site}, which the topology spells {}", known.id);
            violations.push(by_settings(&RULE, ctx, message, &known.id, site.clone(), said, &format!("{SITE}: {site}")));
            outcome(violations)
        }
        None if violations.is_empty() => Outcome::NotChecked(format!("the topology has no site {site}")),
        None => outcome(violations),
    }
}

fn outcome(violations: Vec<Violation>) -> Outcome {
    if violations.is_empty() { Outcome::Clean } else { Outcome::Violated(violations) }
}
