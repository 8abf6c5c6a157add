//! DR193: the SBC announces its public media address to a user inside.

use crate::call::Leg;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::lmo::{Announced, LOCATION, Near, Realm, Told, UserLocation, Way, announced, realm, way};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::{BypassMode, Gateway};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR193-lmo-not-local",
    title: "The SBC keeps media of a user inside on its public address",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR193-lmo-not-local.md"),
    check: Check::Leg(check),
};

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((_, recognition)) = ctx.leg.filter(|(_, recognition)| recognition.is_direct_routing()) else { return Outcome::NotApplicable };
    let all = announced(leg, recognition);
    let internal = |one: &&Announced<'_>| one.told.as_ref().is_some_and(|(_, told)| told.location == Some(UserLocation::Internal));
    let inside: Vec<&Announced<'_>> = all.iter().filter(internal).filter(|one| !one.ips.is_empty()).collect();
    if inside.is_empty() {
        return Outcome::NotApplicable;
    }
    let Some(carriers) = ctx.carriers() else { return Outcome::NotApplicable };
    let Some(gateway) = carriers.one() else { return Outcome::NotChecked(carriers.lack()) };
    let (mut violations, mut lack) = (Vec::new(), None);
    for one in inside {
        match judge(one, gateway, ctx) {
            Ok(None) => {}
            Ok(Some(violation)) => violations.push(violation),
            Err(why) => lack = lack.or(Some(why)),
        }
    }
    match (violations.is_empty(), lack) {
        (false, _) => Outcome::Violated(violations),
        (true, Some(why)) => Outcome::NotChecked(why),
        (true, None) => Outcome::Clean,
    }
}

/// A violation, none where the address is right, or what is missing.
fn judge(one: &Announced<'_>, gateway: &Gateway, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let Some((by, told)) = &one.told else { return Ok(None) };
    if !is_direct(told, gateway)? {
        return Ok(None);
    }
    let at = one.message.message.at();
    let realms: Vec<(IpAddr, Realm)> = one.ips.iter().map(|ip| (*ip, realm(ctx.topology, *ip, at))).collect();
    if realms.iter().any(|(_, realm)| *realm == Realm::Inner) {
        return Ok(None);
    }
    let Some((outer, _)) = realms.iter().find(|(_, realm)| *realm == Realm::Outer) else {
        let first = one.ips.first().map(IpAddr::to_string).unwrap_or_default();
        return Err(format!("the topology does not say whether {first} is an inner media address of an SBC"));
    };
    let name = ctx.name_of(one.message);
    let message = format!("{name} of {} announces {outer} for media, and the user is inside", gateway.fqdn);
    let evidence = vec![
        Evidence::new(&by.message.seen(), format!("{LOCATION}: internal")),
        Evidence::new(&one.message.message.seen(), format!("media at {outer}")),
    ];
    Ok(Some(Violation { severity: RULE.severity, subject: gateway.fqdn.to_string(), value: outer.to_string(), message, evidence }))
}

/// The mode lets the client speak straight to the target SBC's inner address.
fn is_direct(told: &Told, gateway: &Gateway) -> Result<bool, String> {
    let mode = gateway.bypass_mode.ok_or_else(|| format!("the topology does not say BypassMode of {}", gateway.fqdn))?;
    // Without a proxy the page leaves both addresses open to users of other sites.
    let near = match (told.location, mode) {
        (Some(UserLocation::Internal), BypassMode::Always) => Near::SameSite,
        (Some(location), _) => Near::of(location, told.site.as_deref(), gateway)?,
        (None, _) => return Ok(false),
    };
    Ok(way(mode, near, true) == Some(Way::Target))
}
