//! The worked diagrams, each held against the rows that it draws: a diagram names its own parties, so each leg is given its row's name.

use super::*;
use crate::topology::{Home, Place};

/// The legs of a diagram, as `leg segment`, must be those listed here; each is seen as the leg of a row that stands beside it and gives
/// the verdict there.
fn draws(id: &str, legs: &[(&str, &str, &'static str, Verdict)]) {
    let diagram = matrix().diagrams.iter().find(|diagram| diagram.id == id).unwrap();
    let signalling = diagram.signalling.iter().map(|leg| (HopKind::Signalling, leg));
    let drawn: Vec<_> = signalling.chain(diagram.media.iter().map(|leg| (HopKind::Media, leg))).collect();
    assert_eq!(drawn.len(), legs.len());
    for ((kind, leg), (text, row, name, verdict)) in drawn.into_iter().zip(legs) {
        assert_eq!(format!("{} {}", leg.leg, leg.segment), *text);
        let comparison = if row.is_empty() { continue } else { against(row, &[seen(kind, name, leg.segment)]) };
        assert_eq!(verdict_of(&comparison, kind, name), *verdict, "{id} {text} as {name} of {row}");
    }
}

use Verdict::{Alternative, Match, Mismatch};

#[test]
fn d1_is_peer_to_peer_inside() {
    draws(
        "D1",
        &[
            ("A-home expressroute", "ON1", "A-home", Match),
            ("B-home expressroute", "ON1", "B-home", Match),
            ("A-B local", "ON1", "A-B", Match),
        ],
    );
    // HY1 and HY2 refer to it for media.
    for row in ["HY1", "HY2"] {
        assert_eq!(against(row, &[seen(HopKind::Media, "A-B", Segment::Local)]).verdict(), Match);
    }
}

#[test]
fn d2_is_an_online_conference() {
    draws(
        "D2",
        &[
            ("inside-home expressroute", "ON4", "A-home", Match),
            ("outside-home internet", "ON5", "A-home", Match),
            ("inside-conf expressroute", "ON4", "A-conf", Match),
            ("outside-conf internet", "ON5", "A-conf", Match),
        ],
    );
    draws(
        "D2",
        &[
            ("inside-home expressroute", "ON7", "A-home", Match),
            ("outside-home internet", "ON8", "A-home", Match),
            ("inside-conf expressroute", "HY4", "A-conf", Match),
            // With an organiser on-premises elsewhere it is ON6, which never takes ExpressRoute.
            ("outside-conf internet", "ON6", "A-conf", Match),
        ],
    );
}

#[test]
fn d2_of_participants_in_each_others_place_differs() {
    draws(
        "D2",
        &[
            ("inside-home expressroute", "ON5", "A-home", Mismatch),
            ("outside-home internet", "ON4", "A-home", Alternative),
            ("inside-conf expressroute", "ON6", "A-conf", Mismatch),
            ("outside-conf internet", "ON4", "A-conf", Alternative),
        ],
    );
}

#[test]
fn d3_is_an_onprem_conference() {
    // No row is about such a conference: principles 1 and 6 are.
    draws(
        "D3",
        &[
            ("online_homed-home expressroute", "HY2", "A-home", Match),
            ("onprem_homed-home local", "HY2", "B-home", Match),
            ("any-onprem_conf local", "", "", Match),
        ],
    );
    let conference = Conference { organiser: Some(Home::Onprem), organisers_network: None, host: Some(Place::YourNetwork) };
    assert_eq!(p1_place_of_conference(conference, Profile::SkypeForBusiness), Judgement::Pass);
    let join = ConferenceJoin { remote: Some(PathRole::Conference), walled_both: None, inside_host: Some(true) };
    assert_eq!(p6_edges_of_onprem_conference(join), Judgement::Pass);
}

#[test]
fn d4_is_an_online_conference_through_the_onprem_edge() {
    draws(
        "D4",
        &[
            ("A-cloud internet", "ON5", "A-home", Match),
            ("A-onprem_edge internet", "CC2", "A-cce_edge", Match),
            ("onprem_edge-conf expressroute", "HY3", "edge_onprem-edge_online", Match),
        ],
    );
}

#[test]
fn d5_is_pstn_through_cloud_connector() {
    draws(
        "D5",
        &[
            ("A-home expressroute", "CC1", "A-home", Match),
            ("home-cce expressroute", "CC1", "home-cce", Match),
            ("A-cce local", "CC1", "A-cce", Match),
        ],
    );
    // HY5 takes media from it, and keeps signalling inside.
    draws(
        "D5",
        &[
            ("A-home expressroute", "HY5", "A-home", Mismatch),
            ("home-cce expressroute", "CC2", "home-cce", Match),
            ("A-cce local", "HY5", "A-gateway", Match),
        ],
    );
}

#[test]
fn d6_is_a_meeting_broadcast() {
    draws(
        "D6",
        &[
            ("presenter-home expressroute", "ON4", "A-home", Match),
            ("presenter-conf expressroute", "ON4", "A-conf", Match),
            // The stream to attendees is of no row: it is traffic that only the Internet carries.
            ("cdn-attendee internet", "", "", Match),
        ],
    );
    let stream = internet_only(Destination::Host("x.streaming.mediaservices.windows.net")).unwrap();
    assert_eq!(stream.class, InternetClass::Broadcast);
}
