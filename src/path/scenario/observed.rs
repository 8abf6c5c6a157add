//! The rows that a call may be of, and how it compares with each: section 6 of the call flows.

use super::compare::{Comparison, Observed, Setting, Verdict, compare};
use super::{rows, teams};
use crate::call::{Call, LegKind, Recognition};
use crate::path::{Hop, HopKind};
use crate::topology::{Place, PrefixRole, Topology};
use std::net::IpAddr;

/// What the clients of the organisation are. Topology files do not say, so reports are made for Teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Teams: clients signal over HTTPS, and only SBCs speak SIP.
    #[default]
    Teams,
    /// Skype for Business: media of clients is of a row too.
    SkypeForBusiness,
}

/// The rows that a call may be of. There is one at least.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The call against each of them, in the order of the matrix.
    pub comparisons: Vec<Comparison>,
    /// Ids of the hops that rows have under these names.
    pub named: Vec<(&'static str, String)>,
}

impl Scenario {
    /// `seen` against the rows of `ids`.
    pub(super) fn new(ids: &[&str], seen: &[Observed], setting: Setting) -> Option<Self> {
        let own = rows::matrix().rows.iter().filter(|row| ids.contains(&row.id.as_str()));
        let comparisons: Vec<Comparison> = own.map(|row| compare(row, seen, setting)).collect();
        (!comparisons.is_empty()).then_some(Self { comparisons, named: Vec::new() })
    }

    /// Ids joined by `/`: `TD1/TD2`.
    pub fn ids(&self) -> String {
        self.comparisons.iter().map(|comparison| comparison.row.id.as_str()).collect::<Vec<_>>().join("/")
    }

    /// The verdict of the row that fits best: the call is of one row only.
    pub fn verdict(&self) -> Verdict {
        let seen = self.comparisons.iter().map(Comparison::verdict).filter(|verdict| *verdict != Verdict::Unseen);
        seen.min().unwrap_or(Verdict::Unseen)
    }

    /// The call against the row that fits best.
    pub fn best(&self) -> Option<&Comparison> {
        self.comparisons.iter().find(|comparison| comparison.verdict() == self.verdict())
    }

    /// `TD1/TD2: match`; of mismatches those of the row that fits best.
    pub fn text(&self) -> String {
        format!("{}: {}", self.ids(), self.best().map(Comparison::text).unwrap_or_default())
    }
}

/// The scenario of `call`; nothing where no row is about such calls, or too little of it is there. `recognitions` are those of its legs.
pub fn of_call(call: &Call, recognitions: &[Recognition], hops: &[Hop], topology: &Topology, profile: Profile) -> Option<Scenario> {
    match (call.kind, profile) {
        (Some(LegKind::Call), _) => teams::scenario(call, recognitions, hops, topology),
        (None, Profile::SkypeForBusiness) => skype(hops, topology),
        _ => None,
    }
}

/// Which segments the packets of a hop crossed.
pub(super) fn observed(leg: &'static str, hop: &Hop) -> Observed {
    let ways = hop.way.each_ref().map(|way| (way.packets > 0).then_some(way.segment));
    Observed { leg, kind: hop.kind, ways }
}

/// Packets of a hop, both ways.
pub(super) fn packets(hop: &Hop) -> u64 {
    hop.way.iter().map(|way| way.packets).sum()
}

/// Media of Skype for Business clients: without signalling, which is encrypted, calls with the cloud all look alike.
fn skype(hops: &[Hop], topology: &Topology) -> Option<Scenario> {
    let hop = hops.iter().filter(|hop| hop.kind == HopKind::Media).max_by_key(|hop| packets(hop))?;
    let ends = [&hop.a, &hop.b].map(|end| (end.place, Part::of(end.ip, topology)));
    let (ids, legs) = skype_rows(ends)?;
    let seen: Vec<Observed> = legs.iter().map(|leg| observed(leg, hop)).collect();
    Scenario::new(ids, &seen, Setting { express_route: topology.tables.express_route, sbc_inside: None })
}

/// The rows of media between two places, and the names that it has in them.
type Rows = (&'static [&'static str], &'static [&'static str]);

/// What the topology says that an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Nothing: it takes part.
    Client,
    /// An edge of your own, which relays.
    Edge,
    /// An SBC, or what Cloud Connector has in its place: the way to the PSTN.
    Gateway,
}

impl Part {
    fn of(ip: IpAddr, topology: &Topology) -> Self {
        match topology.role(ip) {
            Some(PrefixRole::Edge) => Part::Edge,
            _ if topology.sbc(ip).is_some() => Part::Gateway,
            _ => Part::Client,
        }
    }
}

fn skype_rows(ends: [(Place, Part); 2]) -> Option<Rows> {
    let other = |of: &dyn Fn((Place, Part)) -> bool| match ends {
        [a, b] if of(a) => Some(b.0),
        [a, b] if of(b) => Some(a.0),
        _ => None,
    };
    let by_edge = other(&|end| end.1 == Part::Edge);
    let by_gateway = other(&|end| end.1 == Part::Gateway);
    let with_cloud = other(&|end| end.0 == Place::Microsoft);
    match (by_edge, by_gateway, with_cloud, other(&|end| end.0.is_inside())) {
        (Some(Place::Microsoft), ..) => Some((&["HY3"], &["edge_onprem-edge_online"])),
        (Some(Place::Internet | Place::Federated | Place::ThirdParty), ..) => Some((&["HY3", "CC2"], &["edge_onprem-B", "A-cce_edge"])),
        (Some(place), ..) if place.is_inside() => Some((&["HY3"], &["A-edge_onprem"])),
        (_, Some(place), ..) if place.is_inside() => Some((&["HY5", "CC1"], &["A-gateway", "A-cce"])),
        (_, _, Some(place), _) if place.is_inside() => Some((&["ON2", "ON4", "ON7"], &["A-edge", "A-conf", "A-cloud"])),
        (_, _, Some(Place::Internet), _) => Some((&["ON2", "ON5", "ON8"], &["B-edge", "A-conf", "A-cloud"])),
        (_, _, None, Some(place)) if place.is_inside() => Some((&["ON1", "HY1", "HY2"], &["A-B"])),
        // A federated organisation's edge, or the server that hosts a conference.
        (_, _, None, Some(Place::ThirdParty | Place::Federated)) => Some((&["ON6", "HY3"], &["A-conf"])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Segment;

    fn of_parts(a: (Place, Part), b: (Place, Part)) -> String {
        let of = |ends| skype_rows(ends).map_or(String::new(), |(ids, _)| ids.join("/"));
        assert_eq!(of([a, b]), of([b, a]));
        of([a, b])
    }

    fn ids(a: Place, b: Place) -> String {
        of_parts((a, Part::Client), (b, Part::Client))
    }

    #[test]
    fn media_of_clients_is_of_the_rows_that_fit_its_places() {
        assert_eq!(ids(Place::YourNetwork, Place::Microsoft), "ON2/ON4/ON7");
        assert_eq!(ids(Place::Internet, Place::Microsoft), "ON2/ON5/ON8");
        assert_eq!(ids(Place::YourNetwork, Place::VpnPool), "ON1/HY1/HY2");
        assert_eq!(ids(Place::YourNetwork, Place::ThirdParty), "ON6/HY3");
        assert_eq!(ids(Place::YourNetwork, Place::Carrier), "");
        assert_eq!(ids(Place::Microsoft, Place::Microsoft), "");
    }

    #[test]
    fn edges_and_gateways_of_your_own_have_rows_of_theirs() {
        let (edge, client) = ((Place::Dmz, Part::Edge), |place| (place, Part::Client));
        assert_eq!(of_parts(edge, client(Place::Microsoft)), "HY3");
        assert_eq!(of_parts(edge, client(Place::Internet)), "HY3/CC2");
        assert_eq!(of_parts(edge, client(Place::YourNetwork)), "HY3");
        assert_eq!(of_parts((Place::YourNetwork, Part::Gateway), client(Place::YourNetwork)), "HY5/CC1");
    }

    #[test]
    fn every_name_of_a_leg_stands_in_one_of_the_rows() {
        let all = [Place::YourNetwork, Place::Internet, Place::Microsoft, Place::Federated];
        let parts = [Part::Client, Part::Edge, Part::Gateway];
        let ends = || all.iter().flat_map(|place| parts.iter().map(|part| (*place, *part)));
        for (ids, legs) in ends().flat_map(|a| ends().filter_map(move |b| skype_rows([a, b]))) {
            let named = |leg: &str| ids.iter().any(|id| rows::row(id).unwrap().media.iter().any(|own| own.leg == leg));
            assert!(legs.iter().all(|leg| named(leg)), "{ids:?} {legs:?}");
        }
    }

    fn on(segment: Segment, ids: &[&str], leg: &'static str) -> Scenario {
        let seen = [Observed { leg, kind: HopKind::Media, ways: [Some(segment), None] }];
        Scenario::new(ids, &seen, Setting::default()).unwrap()
    }

    #[test]
    fn ids_stand_in_the_order_of_the_matrix() {
        assert_eq!(on(Segment::Internet, &["TD8", "TD1"], "SBC-mp").ids(), "TD1/TD8");
        assert!(Scenario::new(&[], &[], Setting::default()).is_none());
    }

    #[test]
    fn the_row_that_fits_best_gives_the_verdict() {
        // TD5 has the client on the Internet, TD3 inside.
        let both = on(Segment::Local, &["TD3", "TD5"], "A-SBC");
        assert_eq!((both.verdict(), both.text().as_str()), (Verdict::Match, "TD3/TD5: match"));
        let one = on(Segment::Local, &["TD5"], "A-SBC");
        assert_eq!(
            one.text(),
            "TD5: mismatch: A-SBC on local, where TD5 has internet (TD5 holds where the whole Internet can reach the SBC, which BYP advises against)"
        );
        assert_eq!(on(Segment::Unknown, &["TD5"], "A-SBC").text(), "TD5: unseen");
    }
}
