//! Calls that go on to a number of the PSTN.

use super::decision::{Decision, Fits, Missing, Ruling, Thought};
use super::direct::{weigh_not_enabled, weigh_out};
use super::facts::{Action, Gateway, Location, Party, PstnLeg};
use super::teams::may_hold;
use crate::topology::Edition;

/// `user`'s call with the PSTN goes to another number of it.
pub(super) fn from_pstn(edition: Edition, action: Action, user: Party<'_>, policy: &[Gateway<'_>], leg: &PstnLeg<'_>) -> Decision {
    let mut thought = Thought::new(edition);
    let part = format!("{} to the PSTN", action.name());
    if !user.lbr {
        // The text says "allowed" without a gateway; the rule for users without LBR is the stricter of two readings.
        thought.says(&part, format_args!("{} has no LBR: gateways that are not enabled may carry the call", user.name));
        weigh_not_enabled(&mut thought, policy);
        return thought.allow_those_that_fit();
    }
    let held = if action == Action::Transfer { may_hold(&mut thought, edition, user, leg) } else { Fits::Yes };
    if held == Fits::No {
        return thought.ends(Ruling::Deny);
    }
    let name = leg.gateway.name;
    thought.says(&part, format_args!("{} has LBR: the call leaves through the gateway that it is on, {name}", user.name));
    match (leg.gateway.is_enabled(), held) {
        (None, _) => thought.ends(Ruling::Unknown(Missing::MixedGateway(name.to_owned()))),
        (Some(false), _) => {
            thought.so(format_args!("The wording knows such calls on enabled gateways only, and {name} is not enabled for LBR"));
            thought.ends(Ruling::Unknown(Missing::Unsaid))
        }
        (Some(true), held) => through_the_same(thought, user, policy, &leg.gateway, held),
    }
}

/// The gateway that carries the call carries it on, if the policy has it.
fn through_the_same(mut thought: Thought, user: Party<'_>, policy: &[Gateway<'_>], same: &Gateway<'_>, held: Fits) -> Decision {
    for gateway in policy {
        let is_same = gateway.name == same.name;
        let why = if is_same { "carries the call already" } else { "another than the one that the call is on" };
        thought.weigh(gateway.name, is_same.into(), why.to_owned());
    }
    if !policy.iter().any(|gateway| gateway.name == same.name) {
        thought.so(format_args!("{} is not in the voice routing policy of {}", same.name, user.name));
        return thought.ends(Ruling::Deny);
    }
    match held {
        Fits::Unknown(missing) => thought.ends(Ruling::Unknown(missing)),
        _ => thought.ends(Ruling::allow(same.name)),
    }
}

/// A call between users goes to the PSTN by the policy of one; `stays` is the other, whose restrictions bind.
pub(super) fn from_voip(edition: Edition, action: Action, policy: &[Gateway<'_>], stays: Party<'_>) -> Decision {
    let mut thought = Thought::new(edition);
    let part = format!("{} to the PSTN", action.name());
    let name = stays.name;
    match (stays.lbr, edition) {
        (false, _) => {
            thought.says(&part, format_args!("{name} stays in the call and has no LBR: gateways that are not enabled may carry it"));
            weigh_not_enabled(&mut thought, policy);
        }
        (true, Edition::Y2023) => {
            thought.says(
                &part,
                format_args!("{name} stays in the call and has LBR: gateways that could carry a call of {name} may carry this one"),
            );
            weigh_out(&mut thought, edition, stays, policy);
        }
        (true, Edition::Y2020) => {
            thought.says(&part, format_args!("{name} stays in the call and has LBR: gateways enabled for the site of {name} may carry it"));
            weigh_at_site(&mut thought, stays, policy);
        }
    }
    thought.allow_those_that_fit()
}

fn weigh_at_site(thought: &mut Thought, stays: Party<'_>, policy: &[Gateway<'_>]) {
    for gateway in policy {
        let fits = match stays.location {
            None => Fits::Unknown(Missing::Location(stays.name.to_owned())),
            Some(Location::Site { id, lbr: true }) => gateway.is_enabled_for(id).into(),
            Some(_) => Fits::No,
        };
        thought.weigh(gateway.name, fits, gateway.enabled_for());
    }
}
