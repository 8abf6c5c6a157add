//! Calls with the PSTN that go from one user to another: transfer, forward, simultaneous ring, delegation.

use super::decision::{Decision, Fits, Missing, Ruling, Thought};
use super::direct::{in_ok, may_be_called, may_call, not_enabled, out_ok};
use super::facts::{Action, Began, Gateway, Location, Party, PstnLeg};
use crate::topology::Edition;

/// `user`'s call with the PSTN goes to `target`.
pub(super) fn to_teams(edition: Edition, action: Action, user: Party<'_>, leg: &PstnLeg<'_>, target: Party<'_>) -> Decision {
    let mut thought = Thought::new(edition);
    let held = if action == Action::Transfer { may_hold(&mut thought, edition, user, leg) } else { Fits::Yes };
    if held == Fits::No {
        return thought.ends(Ruling::Deny);
    }
    let (fits, text) = reaches(edition, action, user, &leg.gateway, target);
    thought.says(action.name(), text);
    thought.weigh(leg.gateway.name, fits.clone(), leg.gateway.enabled_for());
    match (fits, held) {
        (Fits::No, _) => thought.ends(Ruling::Deny),
        (Fits::Unknown(missing), _) | (_, Fits::Unknown(missing)) => thought.ends(Ruling::Unknown(missing)),
        _ => thought.ends(Ruling::allow(leg.gateway.name)),
    }
}

/// Who hands a call on has it, and so could make or receive it at that place.
pub(super) fn may_hold(thought: &mut Thought, edition: Edition, user: Party<'_>, leg: &PstnLeg<'_>) -> Fits {
    let (rule, (fits, why)) = match leg.began {
        Began::Inbound => (may_be_called(edition, user), in_ok(edition, user, &leg.gateway)),
        Began::Outbound => (may_call(edition, user), out_ok(edition, user, &leg.gateway)),
    };
    thought.says("transfer", format_args!("only who may have a call can hand it on; {rule}"));
    let follows = match fits {
        Fits::Yes => "the user may have the call",
        Fits::No => "the user never has the call to hand on",
        Fits::Unknown(_) => "whether the user may have the call cannot be told",
    };
    thought.so(format_args!("{} is {why}: {follows}", leg.gateway.name));
    if fits == Fits::No {
        thought.weigh(leg.gateway.name, Fits::No, why);
    }
    fits
}

/// Whether the call may reach `target`, with the sentence that says so.
fn reaches(edition: Edition, action: Action, user: Party<'_>, gateway: &Gateway<'_>, target: Party<'_>) -> (Fits, String) {
    let (name, to) = (gateway.name, target.name);
    if !target.lbr {
        let text = format!("{to} has no LBR and gets calls only from users without LBR, through gateways that are not enabled");
        return (if user.lbr { Fits::No } else { not_enabled(gateway) }, text);
    }
    match target.location {
        None => (unplaced(user, gateway, target), format!("{to} has LBR, so the place of the endpoint decides")),
        Some(Location::Site { id, lbr: true }) => at_enabled_site(edition, action, user, gateway, target, id),
        Some(at @ Location::Site { lbr: false, .. }) => at_other_site(edition, user, gateway, target, at),
        Some(Location::UnknownInternal | Location::UnknownExternal)
            if edition == Edition::Y2023 && gateway.user_override && !gateway.sites_lbr.is_empty() =>
        {
            let text = format!(
                "the tables keep the call from {to} at an unknown place; the general rule asks whether {to} could make such a call, \
                 and {name} has GatewayLbrEnabledUserOverride"
            );
            (Fits::Unknown(Missing::RuleAgainstTable), text)
        }
        Some(at) => (Fits::No, format!("{to} has LBR and is at {}, where no such call may arrive", at.name())),
    }
}

/// A target of whom only the place is not known: it is known to fail where every place fails.
fn unplaced(user: Party<'_>, gateway: &Gateway<'_>, target: Party<'_>) -> Fits {
    let nowhere = !user.lbr && gateway.is_enabled() == Some(true) && !gateway.user_override;
    if nowhere { Fits::No } else { Fits::Unknown(Missing::Location(target.name.to_owned())) }
}

fn at_enabled_site(
    edition: Edition,
    action: Action,
    user: Party<'_>,
    gateway: &Gateway<'_>,
    target: Party<'_>,
    site: &str,
) -> (Fits, String) {
    let (name, to) = (gateway.name, target.name);
    if !user.lbr {
        return (Fits::No, format!("{to} has LBR and is at site {site} (LBR on); {} has none and may not send the call there", user.name));
    }
    if !gateway.is_enabled_for(site) {
        return (Fits::No, format!("{to} is at site {site} (LBR on), and {name} is not enabled for that site"));
    }
    let text = format!("{to} is at site {site} (LBR on), and {name} is enabled for that site");
    if action != Action::Transfer {
        return (Fits::Yes, text);
    }
    match (user.location, edition) {
        (Some(Location::Site { id, .. }), _) if id == site => (Fits::Yes, format!("{text}, where {} is too", user.name)),
        (None, _) => (Fits::Unknown(Missing::Location(user.name.to_owned())), format!("{text}; both must be at one site")),
        (_, Edition::Y2020) => (Fits::No, format!("{text}, but {} is not: both must be at one site", user.name)),
        // One gateway of several sites: the rule looks at the target alone, the table wants both at one site.
        (_, Edition::Y2023) => {
            let text = format!("{text}; the general rule is content with that, the table wants {} there too", user.name);
            (Fits::Unknown(Missing::RuleAgainstTable), text)
        }
    }
}

fn at_other_site(edition: Edition, user: Party<'_>, gateway: &Gateway<'_>, target: Party<'_>, at: Location<'_>) -> (Fits, String) {
    let (name, to, place) = (gateway.name, target.name, at.name());
    let not_enabled = not_enabled(gateway);
    if not_enabled == Fits::No {
        return (Fits::No, format!("{to} is at {place}, and {name} is {}", gateway.enabled_for()));
    }
    if !user.lbr {
        return (
            not_enabled,
            format!("{to} has LBR but is at {place}: calls of users without LBR may arrive there, through gateways that are not enabled"),
        );
    }
    match (edition, user.location) {
        (Edition::Y2023, _) => (not_enabled, format!("{to} is at {place}, where a call through a gateway that is not enabled may arrive")),
        (Edition::Y2020, None) => {
            (Fits::Unknown(Missing::Location(user.name.to_owned())), format!("{to} is at {place}; both must be at one site"))
        }
        (Edition::Y2020, Some(own)) if own == at => (not_enabled, format!("{to} is at {place}, where {} is too", user.name)),
        (Edition::Y2020, Some(_)) => (Fits::No, format!("{to} is at {place}, and {} is not: both must be at one site", user.name)),
    }
}
