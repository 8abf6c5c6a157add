//! DR196: X-MS-MediaPath is not what the gateway's mode and the user's place ask for.

use super::{CUT, by_settings};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::path::lmo::{Near, PATH, Told, UserLocation, Way, way};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};
use crate::topology::{BypassMode, Gateway};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR196-lmo-path-mode",
    title: "X-MS-MediaPath does not fit BypassMode",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR196-lmo-path-mode.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.invite_from_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let told = Told::of(&sip);
    let Some(path) = &told.path else { return Outcome::NotApplicable };
    let Some(carriers) = ctx.carriers() else { return Outcome::NotApplicable };
    if sip.head_cut() {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let Some(gateway) = carriers.one() else { return Outcome::NotChecked(carriers.lack()) };
    let (near, expected) = match expected(&told, gateway) {
        Ok(row) => row,
        Err(why) => return Outcome::NotChecked(why),
    };
    if path.len() == expected.len() && path.iter().zip(&expected).all(|(name, wanted)| name.eq_ignore_ascii_case(wanted)) {
        return Outcome::Clean;
    }
    let (said, wanted) = (path.join(", "), expected.join(", "));
    let text = format!("{PATH} of a user {} names {said}, where {} asks for {wanted}", place(near), mode(gateway));
    Outcome::Violated(vec![by_settings(&RULE, ctx, message, &gateway.fqdn, said.clone(), text, &format!("{PATH}: {said}"))])
}

/// The row of the table, and the SBCs on the way that it asks for. Fails with what is missing.
fn expected<'g>(told: &Told, gateway: &'g Gateway) -> Result<(Near, Vec<&'g str>), String> {
    let location = told.location.ok_or("Microsoft does not say where the user is")?;
    let no_mode = || format!("the topology gives {} no BypassMode", gateway.fqdn);
    let mode = gateway.bypass_mode.ok_or_else(no_mode)?;
    let near = match (location, mode, &gateway.proxy) {
        // Neither the site nor its lack moves the way.
        (UserLocation::Internal, BypassMode::Always, _) | (UserLocation::Internal, _, None) => Near::SameSite,
        _ => Near::of(location, told.site.as_deref(), gateway)?,
    };
    let way = way(mode, near, gateway.proxy.is_some()).ok_or_else(no_mode)?;
    let proxy = gateway.proxy.iter().filter(|_| way == Way::Proxy).map(|proxy| proxy.as_str());
    Ok((near, proxy.chain([gateway.fqdn.as_str()]).collect()))
}

fn place(near: Near) -> &'static str {
    match near {
        Near::SameSite => "inside",
        Near::OtherSite => "at another site",
        Near::External => "outside",
    }
}

fn mode(gateway: &Gateway) -> String {
    match gateway.bypass_mode {
        _ if gateway.proxy.is_none() => format!("{} without a proxy SBC", gateway.fqdn),
        Some(BypassMode::Always) => "BypassMode Always".to_owned(),
        _ => "BypassMode OnlyForLocalUsers".to_owned(),
    }
}
