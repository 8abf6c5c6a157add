//! Calls between a user and the PSTN: which gateways may carry what the user calls, and whether calls to the user arrive.

use super::decision::{Decision, Fits, Missing, Ruling, Thought};
use super::facts::{Gateway, Location, Party};
use crate::topology::Edition;

const OUT: &str = "outgoing calls";
const IN: &str = "incoming calls";

/// A user calls the PSTN.
pub(super) fn outbound(edition: Edition, user: Party<'_>, policy: &[Gateway<'_>]) -> Decision {
    let mut thought = Thought::new(edition);
    thought.says(OUT, may_call(edition, user));
    weigh_out(&mut thought, edition, user, policy);
    thought.allow_those_that_fit()
}

/// The PSTN calls a user.
pub(super) fn inbound(edition: Edition, user: Party<'_>, gateway: &Gateway<'_>) -> Decision {
    let mut thought = Thought::new(edition);
    thought.says(IN, may_be_called(edition, user));
    let (fits, why) = in_ok(edition, user, gateway);
    thought.so(format_args!("{} is {why}", gateway.name));
    thought.weigh(gateway.name, fits.clone(), why);
    match fits {
        Fits::Yes => thought.ends(Ruling::Deliver { via: vec![gateway.name.to_owned()] }),
        Fits::Unknown(missing) => thought.ends(Ruling::Unknown(missing)),
        Fits::No => {
            thought.says(IN, "a call that may not reach the endpoint takes the way of unanswered calls, voicemail mostly, or ends");
            thought.ends(Ruling::UnansweredForwarding)
        }
    }
}

/// Weighs each gateway for a call of `user`.
pub(super) fn weigh_out(thought: &mut Thought, edition: Edition, user: Party<'_>, policy: &[Gateway<'_>]) {
    for gateway in policy {
        let (fits, why) = out_ok(edition, user, gateway);
        thought.weigh(gateway.name, fits, why);
    }
}

/// Weighs each gateway for whom only those that are not enabled will do.
pub(super) fn weigh_not_enabled(thought: &mut Thought, policy: &[Gateway<'_>]) {
    for gateway in policy {
        thought.weigh(gateway.name, not_enabled(gateway), gateway.enabled_for());
    }
}

/// Whether `user` may call the PSTN through `gateway`, and what that rests on.
pub(super) fn out_ok(edition: Edition, user: Party<'_>, gateway: &Gateway<'_>) -> (Fits, String) {
    if !user.lbr {
        return (not_enabled(gateway), gateway.enabled_for());
    }
    match user.location {
        None => (Fits::Unknown(Missing::Location(user.name.to_owned())), gateway.enabled_for()),
        Some(Location::Site { id, lbr: true }) => (gateway.is_enabled_for(id).into(), enabled_or_not_for(gateway, id)),
        Some(Location::Site { lbr: false, .. }) => (not_enabled(gateway), gateway.enabled_for()),
        Some(Location::UnknownInternal | Location::UnknownExternal) => through_override(edition, gateway),
    }
}

/// Whether a call that came through `gateway` may reach `user`, and what that rests on.
pub(super) fn in_ok(edition: Edition, user: Party<'_>, gateway: &Gateway<'_>) -> (Fits, String) {
    if !user.lbr {
        return (not_enabled(gateway), gateway.enabled_for());
    }
    match user.location {
        None => (Fits::Unknown(Missing::Location(user.name.to_owned())), gateway.enabled_for()),
        Some(Location::Site { id, lbr: true }) => (gateway.is_enabled_for(id).into(), enabled_or_not_for(gateway, id)),
        Some(Location::Site { id, lbr: false }) => at_its_site(edition, gateway, id),
        Some(Location::UnknownInternal | Location::UnknownExternal) => (Fits::No, gateway.enabled_for()),
    }
}

/// Not enabled for LBR, where no site is asked about.
pub(super) fn not_enabled(gateway: &Gateway<'_>) -> Fits {
    match gateway.is_enabled() {
        Some(enabled) => (!enabled).into(),
        None => Fits::Unknown(Missing::MixedGateway(gateway.name.to_owned())),
    }
}

fn through_override(edition: Edition, gateway: &Gateway<'_>) -> (Fits, String) {
    let enabled_for = gateway.enabled_for();
    if edition == Edition::Y2020 {
        return (Fits::No, enabled_for);
    }
    if !gateway.user_override {
        return (Fits::No, format!("{enabled_for}, without GatewayLbrEnabledUserOverride"));
    }
    let fits = match gateway.is_enabled() {
        Some(enabled) => enabled.into(),
        None => Fits::Unknown(Missing::MixedGateway(gateway.name.to_owned())),
    };
    (fits, format!("{enabled_for}, with GatewayLbrEnabledUserOverride"))
}

/// The wording of 2023 lets a call reach a site without LBR through a gateway of that very site.
fn at_its_site(edition: Edition, gateway: &Gateway<'_>, site: &str) -> (Fits, String) {
    let enabled_for = gateway.enabled_for();
    match (edition, gateway.sites.contains(&site)) {
        (Edition::Y2020, _) => (Fits::No, enabled_for),
        (Edition::Y2023, false) => (Fits::No, format!("{enabled_for} and does not belong to site {site}")),
        (Edition::Y2023, true) => (not_enabled(gateway), format!("{enabled_for} and belongs to site {site}")),
    }
}

fn enabled_or_not_for(gateway: &Gateway<'_>, site: &str) -> String {
    match (gateway.is_enabled_for(site), gateway.sites_lbr.is_empty()) {
        (true, _) => format!("enabled for LBR at {site}"),
        (false, true) => gateway.enabled_for(),
        (false, false) => format!("{}, not at {site}", gateway.enabled_for()),
    }
}

/// What the wording says of calls to the PSTN by such a user.
pub(super) fn may_call(edition: Edition, user: Party<'_>) -> String {
    let name = user.name;
    if !user.lbr {
        return format!("{name} has no LBR: only gateways that are not enabled for LBR may carry the call, wherever the endpoint is");
    }
    let Some(location) = user.location else { return format!("{name} has LBR, so the place of the endpoint decides") };
    let at = location.name();
    match (location, edition) {
        (Location::Site { lbr: true, .. }, _) => {
            format!("{name} has LBR and is at {at}: only gateways enabled for that site may carry the call")
        }
        (Location::Site { lbr: false, .. }, _) => {
            format!("{name} has LBR and is at {at}: only gateways that are not enabled for LBR may carry the call")
        }
        (_, Edition::Y2020) => format!("{name} has LBR and is at {at}, from where nothing may call the PSTN"),
        (_, Edition::Y2023) => {
            format!("{name} has LBR and is at {at}: only enabled gateways with GatewayLbrEnabledUserOverride may carry the call")
        }
    }
}

/// What the wording says of calls from the PSTN to such a user.
pub(super) fn may_be_called(edition: Edition, user: Party<'_>) -> String {
    let name = user.name;
    if !user.lbr {
        return format!("{name} has no LBR: calls arrive only through gateways that are not enabled for LBR");
    }
    let Some(location) = user.location else { return format!("{name} has LBR, so the place of the endpoint decides") };
    let at = location.name();
    match (location, edition) {
        (Location::Site { lbr: true, .. }, _) => {
            format!("{name} has LBR and is at {at}: calls arrive only through gateways enabled for that site")
        }
        (Location::Site { lbr: false, .. }, Edition::Y2023) => {
            format!("{name} has LBR and is at {at}: calls arrive only through gateways of that site that are not enabled for LBR")
        }
        (Location::Site { lbr: false, .. }, Edition::Y2020) => {
            format!("{name} has LBR and is at {at}: calls reach a user with LBR only at a site with LBR, through its gateway")
        }
        _ => format!("{name} has LBR and is at {at}, where no call of the PSTN may arrive"),
    }
}
