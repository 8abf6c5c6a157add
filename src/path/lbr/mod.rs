//! Location-Based Routing as a function: a call and what is known of its users and gateways in, a decision with its reasons out.
//!
//! Source: Microsoft, Plan Location-Based Routing, in its wordings of 2020 and 2023, and Set-CsOnlinePSTNGateway for the gateway's
//! parameters. Where a sentence and a table row disagree, the decision is unknown. Of several readings these were taken:
//!
//! * `GatewayLbrEnabledUserOverride` helps outgoing calls from unknown places. One bullet speaks of sites without LBR, and
//!   Set-CsOnlinePSTNGateway of incoming calls too.
//! * From a site without LBR any gateway of the policy that is not enabled will do, of whatever site.
//! * A call between users that goes to the PSTN follows the user who stays in it; intersecting both users' restrictions would
//!   contradict the tables.
//!
//! It is a judgement of policy, never a router: gateways are weighed as the topology describes them. Of calls in a capture `observed` reads
//! who calls whom through which gateway, `whereabouts` where the endpoint is, and `audit` asks the function.

mod audit;
mod decision;
mod direct;
pub mod emergency;
mod facts;
mod location;
mod observed;
mod others;
mod pstn;
mod teams;
mod whereabouts;

pub use audit::{Audit, audit};
pub use decision::{Decision, Fits, Missing, Ruling, Weighed};
pub use facts::{Action, Began, Call, Gateway, Location, Party, PstnLeg};
pub use location::{Located, location};
pub use observed::{Fate, Moved, Observed, answer, answered_by, user};
pub use whereabouts::{Whereabouts, whereabouts};

use crate::topology::Edition;

/// What Location-Based Routing does with `call` under a wording of its rules.
pub fn decide(edition: Edition, call: &Call<'_>) -> Decision {
    match call {
        Call::Outbound { user, policy } => direct::outbound(edition, *user, policy),
        Call::Inbound { user, gateway } => direct::inbound(edition, *user, gateway),
        Call::ToTeams { action, user, leg, target } => teams::to_teams(edition, *action, *user, leg, *target),
        Call::ToDelegate { user, gateway, delegate } => {
            // Delegates ring at the same time: it does not matter whether the user could answer.
            let leg = PstnLeg { gateway: gateway.clone(), began: Began::Inbound };
            teams::to_teams(edition, Action::Simring, *user, &leg, *delegate)
        }
        Call::PstnToPstn { action, user, policy, leg } => pstn::from_pstn(edition, *action, *user, policy, leg),
        Call::VoipToPstn { action, policy, stays } => pstn::from_voip(edition, *action, policy, *stays),
        Call::VoiceApp { gateway } => others::voice_app(edition, gateway),
        Call::VoiceAppToUser { user, gateway } => others::voice_app_to_user(edition, *user, gateway),
        Call::VoiceAppToVoicemail { gateway } => others::voice_app_to_voicemail(edition, gateway),
        Call::Conference { lbr } => others::conference(edition, *lbr),
        Call::ConferenceAddsPstn { lbr_user_was_in } => {
            others::conference_adds(edition, "a number of the PSTN", "a user with LBR", *lbr_user_was_in)
        }
        Call::ConferenceAddsLbrUser { pstn_was_in } => {
            others::conference_adds(edition, "a user with LBR", "a number of the PSTN", *pstn_was_in)
        }
        Call::Park => others::not_enforced(edition, "parking a call and taking it back"),
        Call::SkypeCaller => others::not_enforced(edition, "calls of Skype for Business users to Teams users"),
        Call::OtherClient => others::other_client(edition),
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
