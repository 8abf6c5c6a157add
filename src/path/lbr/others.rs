//! Auto attendants, call queues, conferences, and what Location-Based Routing leaves alone.

use super::decision::{Decision, Missing, Ruling, Thought};
use super::direct::inbound;
use super::facts::{Gateway, Party};
use crate::topology::Edition;

const APP: &str = "voice applications";
const CONFERENCE: &str = "conferences";

/// The PSTN calls an auto attendant or call queue.
pub(super) fn voice_app(edition: Edition, gateway: &Gateway<'_>) -> Decision {
    let mut thought = Thought::new(edition);
    thought.says(APP, "a call may reach an auto attendant or call queue through any gateway, an enabled one too");
    thought.ends(Ruling::allow(gateway.name))
}

/// It goes on to a user.
pub(super) fn voice_app_to_user(edition: Edition, user: Party<'_>, gateway: &Gateway<'_>) -> Decision {
    let mut decision = inbound(edition, user, gateway);
    let clause = format!("Wording of {edition}, {APP}: the call reaches a user where a call through {} to that user would.", gateway.name);
    decision.reasoning.insert(0, clause);
    decision
}

/// It goes on to voicemail.
pub(super) fn voice_app_to_voicemail(edition: Edition, gateway: &Gateway<'_>) -> Decision {
    let mut thought = Thought::new(edition);
    thought.says(APP, "a call may go on to voicemail");
    thought.ends(Ruling::allow(gateway.name))
}

/// A user who talks with the PSTN makes a conference of it.
pub(super) fn conference(edition: Edition, lbr: bool) -> Decision {
    let mut thought = Thought::new(edition);
    if lbr {
        thought.says(
            CONFERENCE,
            "a user with LBR who talks with the PSTN may not add a user or number; an auto attendant or call queue may be added, and \
             others meet through the bridge of a meeting",
        );
        return thought.ends(Ruling::Deny);
    }
    thought.says(CONFERENCE, "only users with LBR are kept from making a conference of a call with the PSTN");
    thought.ends(Ruling::Allow { via: Vec::new() })
}

/// Someone is added to a conference of a user without a licence for audio conferencing. `excluded` is in it, or was, when `was_in`.
pub(super) fn conference_adds(edition: Edition, added: &str, excluded: &str, was_in: bool) -> Decision {
    let mut thought = Thought::new(edition);
    if edition == Edition::Y2020 {
        thought.says(CONFERENCE, "nothing is said of adding to conferences of users without a licence for audio conferencing");
        return thought.ends(Ruling::Unknown(Missing::Unsaid));
    }
    let organiser = "in a conference of a user without a licence for audio conferencing";
    thought.says(CONFERENCE, format_args!("{organiser}, {added} may not be added once {excluded} is or was in it"));
    thought.ends(if was_in { Ruling::Deny } else { Ruling::Allow { via: Vec::new() } })
}

/// Location-Based Routing does not look at it.
pub(super) fn not_enforced(edition: Edition, what: &str) -> Decision {
    let mut thought = Thought::new(edition);
    thought.says("scenarios that are not supported", format_args!("LBR is not enforced on {what}"));
    thought.ends(Ruling::NotEnforced)
}

/// Nothing is promised for the client.
pub(super) fn other_client(edition: Edition) -> Decision {
    let mut thought = Thought::new(edition);
    thought.says("clients", "Teams in a browser and Skype for Business are not among the clients that LBR supports");
    thought.ends(Ruling::Unknown(Missing::Client))
}
