//! Each principle kept, broken, and not to be judged.

use super::*;
use Judgement::{Advice, Fail, Pass, Unknown};

const SFB: Profile = Profile::SkypeForBusiness;
const LONG: Span = Span::secs(60);
const SHORT: Span = Span::secs(5);

#[track_caller]
fn fails(judgement: Judgement, with: &str) {
    assert!(matches!(&judgement, Fail(why) if why.contains(with)), "{judgement:?}");
}

#[track_caller]
fn lacks(judgement: Judgement, what: &str) {
    assert!(matches!(judgement, Unknown(missing) if missing.contains(what)), "{judgement:?}");
}

fn conference(organiser: Option<Home>, host: Option<Place>) -> Conference {
    Conference { organiser, organisers_network: None, host }
}

#[test]
fn p1_passes_where_the_organiser_is_homed() {
    for (home, host) in [(Home::Online, Place::Microsoft), (Home::Onprem, Place::YourNetwork), (Home::Onprem, Place::Dmz)] {
        assert_eq!(p1_place_of_conference(conference(Some(home), Some(host)), SFB), Pass);
    }
    let of_others = Conference { organisers_network: Some(Place::Federated), ..conference(Some(Home::Onprem), Some(Place::Federated)) };
    assert_eq!(p1_place_of_conference(of_others, SFB), Pass);
}

#[test]
fn p1_fails_elsewhere() {
    fails(p1_place_of_conference(conference(Some(Home::Online), Some(Place::YourNetwork)), SFB), "your_network");
    fails(p1_place_of_conference(conference(Some(Home::Onprem), Some(Place::Microsoft)), SFB), "microsoft");
    let of_others = Conference { organisers_network: Some(Place::Federated), ..conference(Some(Home::Onprem), Some(Place::YourNetwork)) };
    fails(p1_place_of_conference(of_others, SFB), "your_network");
}

#[test]
fn p1_needs_host_and_organiser() {
    lacks(p1_place_of_conference(conference(Some(Home::Online), None), SFB), "media ends");
    lacks(p1_place_of_conference(conference(None, Some(Place::Microsoft)), SFB), "organiser");
}

#[test]
fn p1_of_teams_looks_for_the_cloud_only() {
    for organiser in [None, Some(Home::Online), Some(Home::Onprem)] {
        assert_eq!(p1_place_of_conference(conference(organiser, Some(Place::Microsoft)), Profile::Teams), Pass);
    }
    fails(p1_place_of_conference(conference(None, Some(Place::ThirdParty)), Profile::Teams), "third_party");
}

fn leg(remote: PathRole, place: Option<Place>, lasted: Span) -> ConferenceLeg {
    ConferenceLeg { remote, place, lasted }
}

#[test]
fn p2_passes_where_all_media_ends_in_one_place() {
    let cloud = Some(Place::Microsoft);
    let legs = [leg(PathRole::EdgeOnline, cloud, LONG), leg(PathRole::Conference, cloud, LONG), leg(PathRole::Client, None, SHORT)];
    assert_eq!(p2_media_to_one_place(&legs, cloud, true), Pass);
    let relayed = [leg(PathRole::EdgeOnline, cloud, LONG), leg(PathRole::Conference, Some(Place::YourNetwork), LONG)];
    assert_eq!(p2_media_to_one_place(&relayed, Some(Place::YourNetwork), true), Pass);
}

#[test]
fn p2_fails_where_participants_talk_past_the_conference_or_ends_differ() {
    let cloud = Some(Place::Microsoft);
    let past = [leg(PathRole::Conference, cloud, LONG), leg(PathRole::Client, Some(Place::YourNetwork), LONG)];
    fails(p2_media_to_one_place(&past, cloud, true), "to each other");
    let apart = [leg(PathRole::Conference, cloud, LONG), leg(PathRole::Conference, Some(Place::YourNetwork), LONG)];
    fails(p2_media_to_one_place(&apart, None, true), "your_network and microsoft");
    fails(p2_media_to_one_place(&apart, None, false), "inferred");
}

#[test]
fn p2_needs_media_and_its_places() {
    lacks(p2_media_to_one_place(&[], None, true), "media of the conference");
    lacks(p2_media_to_one_place(&[leg(PathRole::Conference, None, LONG)], None, true), "where some");
    lacks(p2_media_to_one_place(&[leg(PathRole::EdgeOnline, Some(Place::Microsoft), LONG)], None, true), "only relays");
}

fn relayed(direct_ok: Option<bool>, nominated: Option<bool>) -> PeerToPeer {
    PeerToPeer { direct_ok, nominated, relays: Some(1), lasted: LONG, needs_processor: Some(false) }
}

#[test]
fn p3_passes_direct_media_and_relays_that_are_needed() {
    assert_eq!(p3_direct_where_possible(PeerToPeer { relays: Some(0), ..relayed(Some(true), Some(true)) }), Pass);
    assert_eq!(p3_direct_where_possible(relayed(Some(false), None)), Pass);
    assert_eq!(p3_direct_where_possible(PeerToPeer { relays: Some(2), ..relayed(Some(false), None) }), Pass);
    // A later nomination took the place of the direct pair's.
    assert_eq!(p3_direct_where_possible(relayed(Some(true), Some(false))), Pass);
    assert_eq!(p3_direct_where_possible(PeerToPeer { needs_processor: Some(true), ..relayed(Some(true), Some(true)) }), Pass);
}

#[test]
fn p3_fails_relayed_media_of_a_direct_pair() {
    fails(p3_direct_where_possible(relayed(Some(true), Some(true))), "nominated");
    fails(p3_direct_where_possible(PeerToPeer { relays: Some(3), ..relayed(Some(false), None) }), "3 relays");
}

#[test]
fn p3_needs_media_and_checks() {
    lacks(p3_direct_where_possible(PeerToPeer { relays: None, ..relayed(Some(true), Some(true)) }), "media");
    lacks(p3_direct_where_possible(PeerToPeer { lasted: SHORT, ..relayed(Some(true), Some(true)) }), "5 s");
    lacks(p3_direct_where_possible(relayed(None, None)), "checks");
    lacks(p3_direct_where_possible(relayed(Some(true), None)), "nominated");
    let recorded = PeerToPeer { relays: Some(0), needs_processor: Some(true), ..relayed(Some(true), Some(true)) };
    lacks(p3_direct_where_possible(recorded), "processor");
}

fn registration(home: Option<Home>, remote: Option<Place>, role: PathRole) -> Registration {
    Registration { home, remote, role, through_proxy: false, joins: false }
}

#[test]
fn p4_passes_at_home_and_at_an_edge_of_it() {
    let (online, onprem) = (Some(Home::Online), Some(Home::Onprem));
    for own in [
        registration(online, Some(Place::Microsoft), PathRole::FrontEnd),
        registration(online, None, PathRole::EdgeOnline),
        registration(onprem, Some(Place::YourNetwork), PathRole::FrontEnd),
        registration(onprem, Some(Place::Dmz), PathRole::EdgeOnprem),
    ] {
        assert_eq!(p4_signalling_to_home(own, SFB), Pass, "{own:?}");
    }
    assert_eq!(p4_signalling_to_home(registration(None, Some(Place::Microsoft), PathRole::Unknown), Profile::Teams), Pass);
}

#[test]
fn p4_fails_at_the_other_part() {
    fails(p4_signalling_to_home(registration(Some(Home::Online), Some(Place::YourNetwork), PathRole::FrontEnd), SFB), "online user");
    fails(p4_signalling_to_home(registration(Some(Home::Onprem), Some(Place::Microsoft), PathRole::FrontEnd), SFB), "on-premises user");
}

#[test]
fn p4_needs_home_and_what_is_behind_proxies() {
    let usual = registration(Some(Home::Online), Some(Place::Microsoft), PathRole::FrontEnd);
    lacks(p4_signalling_to_home(Registration { home: None, ..usual }, SFB), "homed");
    lacks(p4_signalling_to_home(Registration { remote: None, ..usual }, SFB), "goes");
    lacks(p4_signalling_to_home(Registration { through_proxy: true, ..usual }, SFB), "proxy");
    lacks(p4_signalling_to_home(Registration { joins: true, ..usual }, SFB), "registration");
    lacks(p4_signalling_to_home(Registration { role: PathRole::EdgeOnprem, ..usual }, SFB), "edge");
}

fn join(remote: PathRole) -> ConferenceJoin {
    ConferenceJoin { remote: Some(remote), walled_both: None, inside_host: None }
}

#[test]
fn p5_wants_an_edge_before_an_online_conference() {
    assert_eq!(p5_edge_of_online_conference(join(PathRole::EdgeOnline), SFB), Pass);
    fails(p5_edge_of_online_conference(join(PathRole::Conference), SFB), "straight");
    lacks(p5_edge_of_online_conference(join(PathRole::Unknown), SFB), "other end");
    lacks(p5_edge_of_online_conference(join(PathRole::Sbc), SFB), "other traffic");
    lacks(p5_edge_of_online_conference(ConferenceJoin { walled_both: Some(true), ..join(PathRole::EdgeOnline) }, SFB), "second edge");
    lacks(p5_edge_of_online_conference(join(PathRole::Conference), Profile::Teams), "Teams");
}

#[test]
fn p6_wants_edges_from_outside_only() {
    let judged = |inside, remote| p6_edges_of_onprem_conference(ConferenceJoin { inside_host: Some(inside), ..join(remote) });
    assert_eq!(judged(true, PathRole::Conference), Pass);
    assert_eq!(judged(false, PathRole::EdgeOnprem), Pass);
    fails(judged(false, PathRole::Conference), "without an edge");
    assert!(matches!(judged(true, PathRole::EdgeOnprem), Advice(_)));
    lacks(p6_edges_of_onprem_conference(join(PathRole::Conference)), "participant");
    lacks(judged(true, PathRole::Unknown), "other end");
    lacks(judged(true, PathRole::Cdn), "other traffic");
}
