//! Where an endpoint of Teams is, by what a leg shows: what Microsoft says in a header, else the ICE candidates of the client, with the
//! address that media comes from in place of a reflexive one.

use super::facts::Location;
use super::location::{Located, location};
use super::observed::answer;
use crate::call::{Call, Leg, LegMessage, Recognition, media};
use crate::path::{
    gateway::first_invite,
    lmo::{Told, UserLocation, is_private},
};
use crate::proto::{
    sdp::{CandidateKind, MediaDescription},
    sip::Method,
};
use crate::time::Timestamp;
use crate::topology::{Place, Topology};
use std::net::IpAddr;

/// Where an endpoint is, and what shows it.
#[derive(Debug, Clone)]
pub struct Whereabouts<'t> {
    /// The place.
    pub located: Located<'t>,
    /// An endpoint of a user takes part, and not a media processor alone.
    pub shows_client: bool,
}

/// The endpoint at Microsoft's end of a leg: of a call from Teams the one that its INVITE describes, of one to Teams the one that answered.
pub fn whereabouts<'t>(leg: &Leg, recognition: &Recognition, call: Option<&Call>, topology: &'t Topology) -> Whereabouts<'t> {
    let invite = first_invite(leg);
    let outbound = invite.filter(|invite| recognition.is_microsoft(invite.message.src(), invite.message.dst()));
    let Some(message) = outbound.or_else(|| answer(leg, recognition)) else {
        return Whereabouts::unknown("no message of Microsoft's describes it");
    };
    let told = match Told::of(&message.sip()) {
        // Microsoft says it in requests: after a call to Teams is answered, in the first re-INVITE.
        silent if silent.location.is_none() && outbound.is_none() => reinvited(leg, recognition).unwrap_or(silent),
        told => told,
    };
    if let Some(user) = told.location {
        return Whereabouts { located: told_place(user, told.site.as_deref(), topology), shows_client: true };
    }
    let client = Client::of(leg, message, topology);
    if !client.is_shown() {
        return Whereabouts::unknown("no candidate of a client is announced");
    }
    let wire = || call.map(|call| on_the_wire(call, leg, recognition, topology)).unwrap_or_default();
    let external = client.external(wire);
    Whereabouts { located: placed(topology, &client.inside, &external), shows_client: true }
}

impl Whereabouts<'_> {
    /// Nobody knows, because of this.
    pub fn unknown(why: &str) -> Self {
        Self { located: Located { location: None, why: why.to_owned() }, shows_client: false }
    }
}

/// What Microsoft says of the user in the first request within the call that says it, as long as nobody handed the call on.
fn reinvited(leg: &Leg, recognition: &Recognition) -> Option<Told> {
    let own = leg.messages.iter().take_while(|message| message.start.method != Method::Refer);
    let requests = own.filter(|m| m.start.is_request && recognition.is_microsoft(m.message.src(), m.message.dst()));
    requests.map(|message| Told::of(&message.sip())).find(|told| told.location.is_some())
}

fn told_place<'t>(user: UserLocation, site: Option<&str>, topology: &'t Topology) -> Located<'t> {
    let known = |id: &str| topology.tables.sites.iter().find(|known| known.id.as_str() == id);
    let (location, why) = match (user, site) {
        (UserLocation::External, _) => (Some(Location::UnknownExternal), "Microsoft says that it is outside".to_owned()),
        (UserLocation::Internal, None) => (None, "Microsoft says that it is inside, and not at which site".to_owned()),
        (UserLocation::Internal, Some(id)) => match known(id) {
            Some(site) => (Some(Location::Site { id: &site.id, lbr: site.lbr }), format!("Microsoft says that it is at site {id}")),
            None => (None, format!("the topology has no site {id}")),
        },
    };
    Located { location, why }
}

/// Addresses that a client announced.
#[derive(Debug, Default)]
struct Client {
    inside: Vec<IpAddr>,
    reflexive: Vec<IpAddr>,
    /// A candidate that is a name, or in a pool that hides who is behind it.
    hidden: bool,
}

impl Client {
    /// Of the description in `message`, else of one in an earlier response of the same dialog.
    fn of(leg: &Leg, message: &LegMessage, topology: &Topology) -> Self {
        let tag = message.sip().to_tag();
        let is_own = |other: &LegMessage| {
            other.message.seq() <= message.message.seq() && other.transaction == message.transaction && other.sip().to_tag() == tag
        };
        let own = leg.described.iter().rev().find(|described| leg.message(described.message).is_some_and(is_own));
        let mut client = Self::default();
        for line in own.into_iter().flat_map(|described| described.lines(leg)) {
            client.take(line, topology, message.message.at());
        }
        client
    }

    fn take(&mut self, line: &MediaDescription, topology: &Topology, at: Timestamp) {
        for candidate in &line.candidates {
            let Some(ip) = candidate.address.map(|ip| ip.to_canonical()) else {
                self.hidden = true;
                continue;
            };
            match (topology.place_of(ip, at), candidate.kind) {
                (Place::Microsoft, _) => {}
                (Place::VpnPool, _) => self.hidden = true,
                (_, CandidateKind::Host) => push(&mut self.inside, ip),
                (_, CandidateKind::ServerReflexive | CandidateKind::PeerReflexive) => push(&mut self.reflexive, ip),
                _ => {}
            }
        }
    }

    fn is_shown(&self) -> bool {
        self.hidden || !self.inside.is_empty() || !self.reflexive.is_empty()
    }

    /// How the Internet sees it: by its reflexive addresses, its own where none of them is private, or those that media came from.
    fn external(&self, wire: impl FnOnce() -> Vec<IpAddr>) -> Vec<IpAddr> {
        if !self.reflexive.is_empty() {
            return self.reflexive.clone();
        }
        let public = !self.hidden && !self.inside.is_empty() && self.inside.iter().all(|ip| !is_private(*ip));
        if public { self.inside.clone() } else { wire() }
    }
}

fn push(ips: &mut Vec<IpAddr>, ip: IpAddr) {
    if !ips.contains(&ip) {
        ips.push(ip);
    }
}

/// Public addresses that send media to what the SBC announced on this leg, and are neither Microsoft's nor a pool's.
fn on_the_wire(call: &Call, leg: &Leg, recognition: &Recognition, topology: &Topology) -> Vec<IpAddr> {
    let by_sbc = leg
        .described
        .iter()
        .filter(|described| leg.message(described.message).is_some_and(|m| !recognition.is_microsoft(m.message.src(), m.message.dst())));
    let own: Vec<_> = by_sbc.flat_map(|described| described.lines(leg)).flat_map(media::endpoints).collect();
    let mut ips = Vec::new();
    for bound in &call.streams {
        let (from, to) = bound.stream.flow.from_to(bound.stream.dir);
        let at = bound.stream.first().map(|seen| seen.at).unwrap_or_default();
        let is_client = own.contains(&to) && !is_private(from.ip()) && topology.place_of(from.ip(), at) == Place::Internet;
        if is_client && topology.pool(from.ip()).is_none() {
            push(&mut ips, from.ip().to_canonical());
        }
    }
    ips
}

/// The place that all external addresses, and all addresses of the family that decides, agree on.
fn placed<'t>(topology: &'t Topology, inside: &[IpAddr], external: &[IpAddr]) -> Located<'t> {
    let Some(first) = external.first() else { return location(topology, inside, None) };
    let whole = location(topology, inside, Some(*first));
    let at = |ips: &[IpAddr], external: IpAddr| location(topology, ips, Some(external)).location;
    if external.iter().any(|ip| at(inside, *ip) != whole.location) {
        return Located { location: None, why: "its external addresses disagree".to_owned() };
    }
    let sites = |v6: bool| inside.iter().filter(move |ip| ip.is_ipv6() == v6).map(|ip| at(&[*ip], *first)).filter(is_site);
    // IPv6 wins over IPv4 where it has a match.
    let decides = sites(true).next().is_some();
    if sites(decides).any(|site| site != whole.location) {
        return Located { location: None, why: "its addresses are at several sites".to_owned() };
    }
    whole
}

fn is_site(location: &Option<Location<'_>>) -> bool {
    matches!(location, Some(Location::Site { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
[tenant]
trusted_ips = ['198.51.100.0/28']
[[site]]
id = 'Hanoi'
subnets = ['10.1.0.0/16', '2001:db8:1::/48']
lbr = true
[[site]]
id = 'Hue'
subnets = ['10.2.0.0/16']
lbr = true
";

    fn at(inside: &[&str], external: &[&str]) -> (String, String) {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let ips = |texts: &[&str]| texts.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        let located = placed(&topology, &ips(inside), &ips(external));
        (located.location.map_or("nobody knows".to_owned(), |place| place.name()), located.why)
    }

    #[test]
    fn ipv6_wins_and_addresses_of_no_site_are_passed_over() {
        assert_eq!(at(&["10.2.0.9", "2001:db8:1::9", "172.17.0.1"], &["198.51.100.3"]).0, "site Hanoi (LBR on)");
        assert_eq!(at(&["10.2.0.9", "172.17.0.1"], &["198.51.100.3"]).0, "site Hue (LBR on)");
        assert_eq!(at(&["10.2.0.9"], &["203.0.113.9"]).0, "an unknown place outside");
    }

    #[test]
    fn what_disagrees_is_no_place() {
        let several = ("nobody knows".to_owned(), "its addresses are at several sites".to_owned());
        assert_eq!(at(&["10.1.0.9", "10.2.0.9"], &["198.51.100.3"]), several);
        let outside = ("nobody knows".to_owned(), "its external addresses disagree".to_owned());
        assert_eq!(at(&["10.1.0.9"], &["198.51.100.3", "203.0.113.9"]), outside);
        assert_eq!(at(&["10.1.0.9"], &[]).1, "its external address is not known");
    }

    #[test]
    fn a_header_names_a_site_of_the_topology_or_none() {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let told = |user, site| told_place(user, site, &topology);
        assert_eq!(told(UserLocation::Internal, Some("Hue")).location, Some(Location::Site { id: "Hue", lbr: true }));
        assert_eq!(told(UserLocation::Internal, Some("hue")).why, "the topology has no site hue");
        assert_eq!(told(UserLocation::Internal, None).location, None);
        assert_eq!(told(UserLocation::External, Some("Hue")).location, Some(Location::UnknownExternal));
    }

    #[test]
    fn own_addresses_are_external_only_where_none_is_private() {
        let client = |inside: &[&str]| Client { inside: inside.iter().map(|ip| ip.parse().unwrap()).collect(), ..Client::default() };
        let wire: IpAddr = "203.0.113.20".parse().unwrap();
        assert_eq!(client(&["10.1.0.9", "203.0.113.9"]).external(|| vec![wire]), [wire]);
        assert_eq!(client(&["203.0.113.9"]).external(|| vec![wire]).len(), 1);
        assert_ne!(client(&["203.0.113.9"]).external(|| vec![wire]), [wire]);
    }
}
