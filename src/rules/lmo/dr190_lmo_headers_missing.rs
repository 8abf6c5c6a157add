//! DR190: an INVITE through a gateway with Local Media Optimization that does not say where the user is.

use super::{CUT, by_settings, start_line};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::path::lmo::{LOCATION, PATH, SITE, Told, UserLocation};
use crate::proto::sip::{Method, Sip};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};
use crate::topology::{BypassMode, Place};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR190-lmo-headers-missing",
    title: "Microsoft does not say where the user is",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR190-lmo-headers-missing.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !message.start.is_request || !ctx.invite_from_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let Some(gateway) = ctx.carriers().and_then(|carriers| carriers.one()) else { return Outcome::NotApplicable };
    if gateway.bypass_mode.is_none_or(|mode| mode == BypassMode::None) || gateway.media_bypass == Some(false) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    if sip.head_cut() || (sip.body_cut() && sip.sdp().is_none()) {
        return Outcome::NotChecked(CUT.to_owned());
    }
    if !is_from_client(message, ctx) {
        return Outcome::NotApplicable;
    }
    let missing = missing(&sip);
    if missing.is_empty() {
        return Outcome::Clean;
    }
    if gateway.media_bypass.is_none() {
        return Outcome::NotChecked(format!("the topology does not say MediaBypass of {}", gateway.fqdn));
    }
    let missing = missing.join(" and ");
    let said = format!("{} for {} comes without {missing}", ctx.name_of(message), gateway.fqdn);
    Outcome::Violated(vec![by_settings(&RULE, ctx, message, &gateway.fqdn, missing, said, &start_line(message))])
}

/// Its description has candidates of a client: a media processor names addresses of Microsoft's alone.
fn is_from_client(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let Some(sdp) = ctx.sdp(message) else { return false };
    let at = message.message.at();
    let is_microsoft = |ip| ctx.topology.place_of(ip, at) == Place::Microsoft;
    sdp.media.iter().flat_map(|media| &media.candidates).any(|candidate| !candidate.address.is_some_and(is_microsoft))
}

/// Fields that are not there; an empty one is there, and says nothing.
fn missing(sip: &Sip<'_>) -> Vec<&'static str> {
    let told = Told::of(sip);
    let mut missing = Vec::new();
    if sip.named(LOCATION).is_none() {
        missing.push(LOCATION);
    }
    if told.path.is_none() {
        missing.push(PATH);
    }
    if told.location == Some(UserLocation::Internal) && told.site.is_none() {
        missing.push(SITE);
    }
    missing
}
