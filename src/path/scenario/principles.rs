//! The six principles of call flows as predicates (section 3 of the call flows): facts go in as far as they are known; pass, fail, or the
//! fact that is missing comes out.

use super::observed::Profile;
use crate::time::Span;
use crate::topology::{Home, Place};
use std::collections::BTreeSet;

/// Media that takes longer than this is no attempt any more: 5 s.
const LASTING: Span = Span::secs(5);

/// What a principle says of what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is kept.
    Pass,
    /// It is not, and why.
    Fail(String),
    /// It is kept by most and not here, which is worth saying and no fault.
    Advice(String),
    /// It cannot be told without this fact.
    Unknown(&'static str),
}

impl Judgement {
    fn fail(why: impl Into<String>) -> Self {
        Self::Fail(why.into())
    }
}

/// What an address does in a call, as signalling and ports tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathRole {
    /// A user's client.
    Client,
    /// A session border controller.
    Sbc,
    /// A server that users sign in to.
    FrontEnd,
    /// An edge server of the cloud.
    EdgeOnline,
    /// An edge server on-premises.
    EdgeOnprem,
    /// A media processor.
    MediaProcessor,
    /// A transport relay.
    TransportRelay,
    /// A conference server.
    Conference,
    /// A content delivery network.
    Cdn,
    /// Not known.
    Unknown,
}

impl PathRole {
    /// It passes on media of others.
    fn is_relay(self) -> bool {
        matches!(self, Self::EdgeOnline | Self::EdgeOnprem | Self::MediaProcessor | Self::TransportRelay)
    }
}

/// A conference and who called it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conference {
    /// Where the organiser's account is.
    pub organiser: Option<Home>,
    /// The network of the organiser; absent: yours.
    pub organisers_network: Option<Place>,
    /// Where the media of participants ends; of an online conference an edge in the cloud stands for the host.
    pub host: Option<Place>,
}

/// P1: a conference is where its organiser is homed. Teams places it in the region of the first participant, which no capture shows: of it
/// only the cloud is looked for.
pub fn p1_place_of_conference(conference: Conference, profile: Profile) -> Judgement {
    let Some(host) = conference.host else { return Judgement::Unknown("where the conference's media ends") };
    let organiser = if profile == Profile::Teams { Some(Home::Online) } else { conference.organiser };
    match organiser {
        // What the host suggests of the organiser would only confirm itself.
        None => Judgement::Unknown("where the organiser is homed"),
        Some(Home::Online) if host == Place::Microsoft => Judgement::Pass,
        Some(Home::Online) => Judgement::fail(format!("a conference of the cloud is in place {host}")),
        Some(Home::Onprem) if host.is_inside() && conference.organisers_network.is_none() => Judgement::Pass,
        Some(Home::Onprem) if Some(host) == conference.organisers_network => Judgement::Pass,
        Some(Home::Onprem) => Judgement::fail(format!("a conference of an on-premises organiser is in place {host}")),
    }
}

/// One participant's media in a conference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConferenceLeg {
    /// What is at the other end.
    pub remote: PathRole,
    /// Where that is.
    pub place: Option<Place>,
    /// How long media flowed.
    pub lasted: Span,
}

/// P2: all participants' media goes to one place, or to a relay on the way there. Several addresses in one place are in order: each
/// participant may get another edge. `by_id`: signalling says that the legs are of one conference; else time and place suggest it.
pub fn p2_media_to_one_place(legs: &[ConferenceLeg], host: Option<Place>, by_id: bool) -> Judgement {
    let inferred = if by_id { "" } else { " (that they are of one conference is inferred from time and place)" };
    if legs.is_empty() {
        return Judgement::Unknown("media of the conference");
    }
    if legs.iter().any(|leg| leg.remote == PathRole::Client && leg.lasted > LASTING) {
        return Judgement::fail(format!("participants of a conference send media to each other for more than 5 s{inferred}"));
    }
    let lasting = legs.iter().filter(|leg| leg.remote != PathRole::Client);
    let ends: Vec<Option<Place>> = lasting.filter(|leg| !leg.remote.is_relay() || leg.place == host).map(|leg| leg.place).collect();
    let known: BTreeSet<Place> = ends.iter().flatten().copied().chain(host).collect();
    if known.len() > 1 {
        let places: Vec<&str> = known.into_iter().map(Place::as_str).collect();
        return Judgement::fail(format!("media of one conference ends in places {}{inferred}", places.join(" and ")));
    }
    match (host, ends.contains(&None)) {
        (_, true) => Judgement::Unknown("where some participant's media ends"),
        // Relays may stand anywhere on the way.
        (None, _) if ends.is_empty() => Judgement::Unknown("where the conference is: only relays were seen"),
        _ => Judgement::Pass,
    }
}

/// A call between two clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerToPeer {
    /// A check of a host or server-reflexive pair succeeded, both ways; absent: no check was seen.
    pub direct_ok: Option<bool>,
    /// That pair was nominated, and no later nomination took its place.
    pub nominated: Option<bool>,
    /// Relays and processors that media passed; absent: no media was seen.
    pub relays: Option<u32>,
    /// How long media flowed that way.
    pub lasted: Span,
    /// A processor was needed, as for recording or transcription.
    pub needs_processor: Option<bool>,
}

/// P3: media of two clients is direct where they can reach each other, else by one or two relays.
pub fn p3_direct_where_possible(call: PeerToPeer) -> Judgement {
    match (call.relays, call.direct_ok) {
        (None, _) => Judgement::Unknown("media between the clients or a relay"),
        (Some(_), _) if call.lasted <= LASTING => Judgement::Unknown("media that lasted for more than 5 s"),
        (Some(0), _) if call.needs_processor == Some(true) => {
            Judgement::Unknown("how a call that needs a processor can do without: perhaps its media is sent twice")
        }
        (Some(0), _) => Judgement::Pass,
        (Some(_), _) if call.needs_processor == Some(true) => Judgement::Pass,
        (Some(_), None) => Judgement::Unknown("connectivity checks of a direct pair"),
        (Some(1 | 2), Some(false)) => Judgement::Pass,
        (Some(n), Some(false)) => Judgement::fail(format!("media passes {n} relays, where one or two do")),
        (Some(_), Some(true)) => match (call.nominated, call.needs_processor) {
            (None, _) => Judgement::Unknown("which pair was nominated"),
            (Some(false), _) => Judgement::Pass,
            (Some(true), _) => Judgement::fail("media is relayed for more than 5 s although a direct pair was nominated"),
        },
    }
}

/// A user's own signalling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// Where the account is; of Teams users the cloud.
    pub home: Option<Home>,
    /// Where the signalling goes.
    pub remote: Option<Place>,
    /// What is there.
    pub role: PathRole,
    /// The other end is a web proxy.
    pub through_proxy: bool,
    /// It is the join of a conference: rows ON6 and HY4 print the conference's segment, not the user's.
    pub joins: bool,
}

/// P4: a user's signalling goes to the user's home, or to an edge of it.
pub fn p4_signalling_to_home(registration: Registration, profile: Profile) -> Judgement {
    let home = if profile == Profile::Teams { Some(Home::Online) } else { registration.home };
    if registration.joins {
        return Judgement::Unknown("the user's own registration: the join of a conference follows its row");
    }
    if registration.through_proxy {
        return Judgement::Unknown("where the web proxy sends it");
    }
    match (home, registration.remote, registration.role) {
        (None, ..) => Judgement::Unknown("where the user is homed"),
        (Some(Home::Online), _, PathRole::EdgeOnline) | (Some(Home::Onprem), _, PathRole::EdgeOnprem) => Judgement::Pass,
        (Some(_), _, PathRole::EdgeOnline | PathRole::EdgeOnprem) => Judgement::Unknown("what the edge of the other part passes it on to"),
        (_, None, _) => Judgement::Unknown("where the signalling goes"),
        (Some(Home::Online), Some(Place::Microsoft), _) => Judgement::Pass,
        (Some(Home::Online), Some(place), _) => Judgement::fail(format!("signalling of an online user ends in place {place}")),
        (Some(Home::Onprem), Some(place), _) if place.is_inside() => Judgement::Pass,
        (Some(Home::Onprem), Some(place), _) => Judgement::fail(format!("signalling of an on-premises user ends in place {place}")),
    }
}

/// A participant's media in a conference and the edges that it passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConferenceJoin {
    /// What is at the other end of the participant's media: all that a capture there shows.
    pub remote: Option<PathRole>,
    /// Firewalls stand before both the participant and the conference.
    pub walled_both: Option<bool>,
    /// The participant is in the network that hosts the conference.
    pub inside_host: Option<bool>,
}

/// P5: media of an online conference passes an edge. Teams conferences have none.
pub fn p5_edge_of_online_conference(join: ConferenceJoin, profile: Profile) -> Judgement {
    match (profile, join.remote) {
        (Profile::Teams, _) => Judgement::Unknown("an edge server: Teams has none"),
        (Profile::SkypeForBusiness, None | Some(PathRole::Unknown)) => Judgement::Unknown("what is at the other end of the media"),
        (Profile::SkypeForBusiness, Some(role)) if role.is_relay() => match join.walled_both {
            Some(true) => Judgement::Unknown("the second edge: a capture shows the first only"),
            _ => Judgement::Pass,
        },
        (Profile::SkypeForBusiness, Some(PathRole::Conference)) => Judgement::fail("media goes straight to the conference server"),
        (Profile::SkypeForBusiness, Some(_)) => Judgement::Unknown("media of the join: this is other traffic"),
    }
}

/// P6: media of an on-premises conference passes no edge from inside, as a rule, and one or two from outside.
pub fn p6_edges_of_onprem_conference(join: ConferenceJoin) -> Judgement {
    let edge = match join.remote {
        None | Some(PathRole::Unknown) => return Judgement::Unknown("what is at the other end of the media"),
        Some(PathRole::Conference) => false,
        Some(role) if role.is_relay() => true,
        Some(_) => return Judgement::Unknown("media of the join: this is other traffic"),
    };
    match (join.inside_host, edge) {
        (None, _) => Judgement::Unknown("whether the participant is in the network that hosts the conference"),
        (Some(true), false) | (Some(false), true) => Judgement::Pass,
        (Some(true), true) => Judgement::Advice("media from inside loops through an edge on its way to a conference inside".to_owned()),
        (Some(false), false) => Judgement::fail("media from outside reaches the conference server without an edge"),
    }
}

#[cfg(test)]
mod tests;
