//! Each verdict, and each trap of call-flows section 5 that sightings can express.

use super::super::support::*;
use super::*;
use crate::topology::Mac;

const VIRTUAL: Mac = [0, 0, 0x5e, 0, 1, 0x0a];
const REAL: Mac = [2, 0, 0x5e, 0x10, 0, 1];
const FIREWALL: Mac = [2, 0, 0, 0, 0, 9];

fn verdict(texts: &[&str], there: &[Sighting<'_>], back: &[Sighting<'_>]) -> Asymmetry {
    judge(&topology(texts), ip(SBC), ip(PROXY), there, back, START)
}

fn pool(advertised: &str) -> String {
    format!("[[nat]]\npool = '198.51.100.0/28'\nadvertised = {advertised}\n")
}

#[test]
fn out_on_expressroute_and_back_over_the_internet_is_confirmed() {
    let found = verdict(&[EDGE], &[seen("er", 0.0, 10.0, 500)], &[seen("isp", 0.0, 10.0, 498)]);
    assert_eq!(found.verdict, Verdict::Confirmed);
    assert_eq!(found.pair, Some((Segment::Expressroute, Segment::Internet)));
    assert_eq!(
        found.evidence,
        [
            "198.51.100.4 to 52.114.75.24: 500 packets on expressroute, link er-1 by interface (M1)",
            "52.114.75.24 to 198.51.100.4: 498 packets on internet, link isp-1 by interface (M1)"
        ]
    );
}

#[test]
fn order_of_the_ends_turns_the_pair() {
    let found = judge(&topology(&[EDGE]), ip(PROXY), ip(SBC), &[seen("isp", 0.0, 9.0, 9)], &[seen("er", 0.0, 9.0, 9)], START);
    assert_eq!((found.verdict, found.pair), (Verdict::Confirmed, Some((Segment::Internet, Segment::Expressroute))));
}

#[test]
fn both_directions_on_one_segment_are_symmetric() {
    let found = verdict(&[EDGE], &[seen("er", 0.0, 10.0, 500)], &[seen("er", 0.0, 10.0, 500)]);
    assert_eq!((found.verdict, found.pair), (Verdict::No, Some((Segment::Expressroute, Segment::Expressroute))));
}

#[test]
fn two_packets_are_too_few_to_confirm() {
    let found = verdict(&[EDGE], &[seen("er", 0.0, 1.0, 2)], &[seen("isp", 0.0, 1.0, 3)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence[0], "too few packets on different segments to say more");
    let found = verdict(&[EDGE], &[seen("er", 0.0, 1.0, 3)], &[seen("isp", 0.0, 1.0, 3)]);
    assert_eq!(found.verdict, Verdict::Confirmed);
}

#[test]
fn copies_at_two_taps_of_one_link_do_not_make_three_packets() {
    let twice = EDGE.replace("interface = ['er']", "interface = ['er', 'er-b']");
    let found = verdict(&[&twice], &[seen("er", 0.0, 1.0, 2), seen("er-b", 0.0, 1.0, 2)], &[seen("isp", 0.0, 1.0, 9)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
}

#[test]
fn sparse_keep_alives_add_up_over_windows() {
    let found = verdict(&[EDGE], &[seen("er", 0.0, 3600.0, 240)], &[seen("isp", 1.0, 3601.0, 240)]);
    assert_eq!(found.verdict, Verdict::Confirmed);
}

#[test]
fn one_direction_alone_never_confirms() {
    let found = verdict(&[EDGE], &[seen("er", 0.0, 10.0, 500)], &[]);
    assert_eq!((found.verdict, found.pair), (Verdict::CannotTell, None));
    assert_eq!(found.evidence[1], "52.114.75.24 to 198.51.100.4: no packet seen; tap the link that carries this direction");
}

#[test]
fn pool_advertised_elsewhere_makes_the_unseen_return_likely() {
    let internet = pool("['internet']");
    let found = verdict(&[EDGE, &internet], &[seen("er", 0.0, 10.0, 500)], &[]);
    assert_eq!((found.verdict, found.pair), (Verdict::Likely, Some((Segment::Expressroute, Segment::Internet))));
    assert_eq!(
        found.evidence,
        [
            "198.51.100.4 to 52.114.75.24: 500 packets on expressroute, link er-1 by interface (M1)",
            "52.114.75.24 to 198.51.100.4: no packet seen; tap the link that carries this direction",
            "52.114.75.24 to 198.51.100.4: 198.51.100.4 is in 198.51.100.0/28, advertised on internet only (M4, predicted)"
        ]
    );
    let turned = judge(&topology(&[EDGE, &internet]), ip(PROXY), ip(SBC), &[], &[seen("er", 0.0, 10.0, 500)], START);
    assert_eq!((turned.verdict, turned.pair), (Verdict::Likely, Some((Segment::Internet, Segment::Expressroute))));
}

#[test]
fn public_prefix_with_advertised_predicts_like_a_pool() {
    let prefix = "[[prefix]]\ncidr = '198.51.100.0/24'\nplace = 'dmz'\nadvertised = ['expressroute']\n";
    let found = verdict(&[EDGE, prefix], &[seen("isp", 0.0, 10.0, 500)], &[]);
    assert_eq!((found.verdict, found.pair), (Verdict::Likely, Some((Segment::Internet, Segment::Expressroute))));
}

#[test]
fn observed_return_overrides_the_prediction() {
    let internet = pool("['internet']");
    let found = verdict(&[EDGE, &internet], &[seen("er", 0.0, 10.0, 500)], &[seen("er", 0.0, 10.0, 1)]);
    assert_eq!(found.verdict, Verdict::No);
    let late = verdict(&[EDGE, &internet], &[seen("er", 0.0, 10.0, 500)], &[seen("er", 60.0, 61.0, 1)]);
    assert_eq!(late.verdict, Verdict::CannotTell);
    assert_eq!(late.evidence[0], "the directions were never seen within the same 5 s");
}

#[test]
fn prediction_needs_three_packets_and_a_pool_of_one_segment() {
    let internet = pool("['internet']");
    assert_eq!(verdict(&[EDGE, &internet], &[seen("er", 0.0, 1.0, 2)], &[]).verdict, Verdict::CannotTell);
    assert_eq!(verdict(&[EDGE, &internet], &[seen("isp", 0.0, 1.0, 9)], &[]).verdict, Verdict::CannotTell);
    let both = pool("['internet', 'expressroute']");
    let found = verdict(&[EDGE, &both], &[seen("er", 0.0, 10.0, 500)], &[]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence[2], "198.51.100.0/28 is advertised on both segments: M4 is off for it");
}

#[test]
fn prediction_is_off_inside_the_nat() {
    let inside = EDGE.replace("interface = ['er']", "interface = ['er']\nnat_side = 'inside'");
    let found = verdict(&[&inside, &pool("['internet']")], &[seen("er", 0.0, 10.0, 500)], &[]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence[2], "link er-1 lies inside the NAT: M4 is off");
    let private = judge(&topology(&[EDGE, &pool("['internet']")]), ip("10.1.5.10"), ip(PROXY), &[seen("er", 0.0, 10.0, 500)], &[], START);
    assert_eq!(private.verdict, Verdict::CannotTell);
}

#[test]
fn return_alone_predicts_nothing() {
    let found = verdict(&[EDGE, &pool("['internet']")], &[], &[seen("er", 0.0, 10.0, 500)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
}

#[test]
fn breakout_tap_is_symmetric_when_one_link_lists_both_ports() {
    let one_link = "[[link]]\nid = 'er'\nsegment = 'expressroute'\ninterface = ['port-tx', 'port-rx']\n[[prefix]]\ncidr = '198.51.100.0/24'\nplace = 'dmz'\n";
    let found = verdict(&[one_link], &[seen("port-tx", 0.0, 10.0, 500)], &[seen("port-rx", 0.0, 10.0, 500)]);
    assert_eq!(found.verdict, Verdict::No);
    assert_eq!(found.evidence.len(), 2);
}

#[test]
fn breakout_tap_with_one_port_listed_names_the_other() {
    let half =
        "[[link]]\nid = 'er'\nsegment = 'expressroute'\ninterface = ['port-tx']\n[[prefix]]\ncidr = '198.51.100.0/24'\nplace = 'dmz'\n";
    let found = verdict(&[half], &[seen("port-tx", 0.0, 10.0, 500)], &[seen("port-rx", 0.0, 10.0, 500)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(
        found.evidence[1],
        "52.114.75.24 to 198.51.100.4: seen at interface 'port-rx', which no [[link]] names; add it to the right one"
    );
}

#[test]
fn vrrp_answers_from_the_real_mac_and_stay_symmetric() {
    let link = "[[link]]\nid = 'er'\nsegment = 'expressroute'\nmac = ['00:00:5e:00:01:0a', '02:00:5e:10:00:01']\n[[prefix]]\ncidr = '198.51.100.0/24'\nplace = 'dmz'\n";
    let there = [with_macs(seen("tap", 0.0, 10.0, 500), FIREWALL, VIRTUAL)];
    let back = [with_macs(seen("tap", 0.0, 10.0, 500), REAL, FIREWALL)];
    let found = verdict(&[link], &there, &back);
    assert_eq!(found.verdict, Verdict::No);
    assert_eq!(found.evidence[1], "52.114.75.24 to 198.51.100.4: 500 packets on expressroute, link er by mac 02:00:5e:10:00:01 (M3)");
    let only_virtual = link.replace(", '02:00:5e:10:00:01'", "");
    let found = verdict(&[&only_virtual], &there, &back);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(
        found.evidence[1],
        "52.114.75.24 to 198.51.100.4: seen at interface 'tap', router mac 02:00:5e:10:00:01, which no [[link]] names; add it to the right one"
    );
}

#[test]
fn mac_of_an_anycast_gateway_proves_nothing() {
    let by_mac = "[[link]]\nid = 'er-mac'\nsegment = 'expressroute'\nmac = ['00:00:5e:00:01:0a']\n";
    let there = [with_macs(seen("tap", 0.0, 10.0, 500), FIREWALL, VIRTUAL)];
    let back = [with_macs(seen("isp", 0.0, 10.0, 400), REAL, FIREWALL)];
    assert_eq!(verdict(&[EDGE, by_mac], &there, &back).verdict, Verdict::Confirmed);
    let anycast =
        [there[0], with_macs(seen("er2", 0.0, 10.0, 5), FIREWALL, VIRTUAL), with_macs(seen("isp2", 0.0, 10.0, 5), FIREWALL, VIRTUAL)];
    let found = verdict(&[EDGE, by_mac], &anycast, &back);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence.last().unwrap(), "mac 00:00:5e:00:01:0a is seen on both segments and tells nothing (M3)");
}

#[test]
fn split_over_links_of_one_segment_is_never_asymmetric() {
    let there = [seen("er", 0.0, 10.0, 250), seen("er2", 0.0, 10.0, 250)];
    let found = verdict(&[EDGE], &there, &[seen("er2", 0.0, 10.0, 500)]);
    assert_eq!(found.verdict, Verdict::No);
    assert_eq!(found.evidence[2], "198.51.100.4 to 52.114.75.24: split inside expressroute over links er-1, er-2");
    let crossed = verdict(&[EDGE], &[seen("isp", 0.0, 10.0, 500)], &[seen("isp2", 0.0, 10.0, 500)]);
    assert_eq!(crossed.verdict, Verdict::No);
}

#[test]
fn packets_on_links_of_both_segments_prove_nothing() {
    let merged = "[[link]]\nid = 'isp-3'\nsegment = 'internet'\ninterface = ['er']\n";
    let found = verdict(&[EDGE, merged], &[seen("er", 0.0, 10.0, 500)], &[seen("isp", 0.0, 10.0, 500)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence.last().unwrap(), "198.51.100.4 to 52.114.75.24: 500 packets match links of both segments and prove nothing");
}

#[test]
fn route_change_within_five_seconds_is_not_asymmetry() {
    let there = [seen("er", 0.0, 100.0, 5000), seen("isp", 100.02, 200.0, 5000)];
    let back = [seen("er", 0.0, 104.8, 5240), seen("isp", 104.82, 200.0, 4760)];
    assert_eq!(verdict(&[EDGE], &there, &back).verdict, Verdict::No);
}

#[test]
fn route_that_stays_changed_in_one_direction_is_confirmed() {
    let there = [seen("er", 0.0, 100.0, 5000), seen("isp", 100.02, 200.0, 5000)];
    let found = verdict(&[EDGE], &there, &[seen("er", 0.0, 200.0, 10_000)]);
    assert_eq!((found.verdict, found.pair), (Verdict::Confirmed, Some((Segment::Internet, Segment::Expressroute))));
}

#[test]
fn flow_that_ends_within_a_route_change_cannot_be_judged() {
    let there = [seen("er", 0.0, 1.0, 50), seen("isp", 1.02, 4.0, 150)];
    let found = verdict(&[EDGE], &there, &[seen("er", 0.0, 4.0, 200)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence[0], "the directions were seen together only within 5 s of a route change");
}

#[test]
fn direction_mixed_per_packet_cannot_be_judged() {
    let there = [seen("er", 0.0, 60.0, 500), seen("isp", 0.0, 60.0, 500)];
    let found = verdict(&[EDGE], &there, &[seen("er", 0.0, 60.0, 1000)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence[0], "a direction used both segments, neither with 90 % of its packets");
}

#[test]
fn nine_tenths_are_enough() {
    let there = [seen("er", 0.0, 60.0, 950), seen("isp", 0.0, 60.0, 50)];
    assert_eq!(verdict(&[EDGE], &there, &[seen("isp", 0.0, 60.0, 1000)]).verdict, Verdict::Confirmed);
}

#[test]
fn directions_that_never_meet_in_a_window_are_not_compared() {
    let found = verdict(&[EDGE], &[seen("er", 0.0, 4.0, 50)], &[seen("isp", 30.0, 40.0, 50)]);
    assert_eq!(found.verdict, Verdict::CannotTell);
    assert_eq!(found.evidence[0], "the directions were never seen within the same 5 s");
    assert_eq!(found.evidence.len(), 3);
}

#[test]
fn only_flows_between_you_and_microsoft_are_judged() {
    let topology = topology(&[EDGE, "[[sbc]]\nid = 'hosted'\nplace = 'carrier'\nsignalling = ['192.0.2.7']\n"]);
    for (a, b, reason) in [
        ("10.0.0.1", "10.0.0.2", "neither 10.0.0.1 (your_network) nor 10.0.0.2 (your_network) is Microsoft's"),
        (PROXY, "52.112.0.1", "52.114.75.24 and 52.112.0.1 are both Microsoft's"),
        ("192.0.2.7", PROXY, "192.0.2.7 is in place carrier, not in your network"),
        (PROXY, "8.8.8.8", "8.8.8.8 is not in your network: name it in [[sbc]], [[nat]] or [[prefix]] if it is yours"),
    ] {
        let found = judge(&topology, ip(a), ip(b), &[seen("er", 0.0, 9.0, 9)], &[seen("isp", 0.0, 9.0, 9)], START);
        assert_eq!((found.verdict, found.pair), (Verdict::CannotTell, None));
        assert_eq!(found.evidence, [format!("out of scope: {reason}")]);
    }
}

#[test]
fn outside_of_a_static_nat_is_in_scope() {
    let nat = "[[static_nat]]\ninside = '10.1.5.10'\noutside = '203.0.113.9'\n";
    let found =
        judge(&topology(&[EDGE, nat]), ip("203.0.113.9"), ip(PROXY), &[seen("er", 0.0, 9.0, 9)], &[seen("isp", 0.0, 9.0, 9)], START);
    assert_eq!(found.verdict, Verdict::Confirmed);
}

#[test]
fn missing_facts_are_named() {
    for (interface, evidence) in [
        ("lan", "198.51.100.4 to 52.114.75.24: seen on inner links only (lan); tap the Internet or ExpressRoute edge"),
        ("new", "198.51.100.4 to 52.114.75.24: segment of link new is '?'; ask the network team"),
        ("eth7", "198.51.100.4 to 52.114.75.24: seen at interface 'eth7', which no [[link]] names; add it to the right one"),
    ] {
        assert_eq!(verdict(&[EDGE], &[seen(interface, 0.0, 9.0, 9)], &[seen("er", 0.0, 9.0, 9)]).evidence[1], evidence);
    }
    let found = judge(&Topology::built_in(), ip("10.0.0.1"), ip(PROXY), &[seen("eth0", 0.0, 9.0, 9)], &[], START);
    assert_eq!(
        found.evidence[0],
        "10.0.0.1 to 52.114.75.24: seen at interface 'eth0', but the topology has no [[link]]; write one per physical link"
    );
}

#[test]
fn odd_clocks_and_many_runs_stay_cheap() {
    let first = Sighting { first: Timestamp(i64::MIN), last: Timestamp(i64::MAX), ..seen("er", 0.0, 0.0, u64::MAX) };
    let turned = Sighting { first: Timestamp(i64::MAX), last: Timestamp(i64::MIN), ..seen("isp", 0.0, 0.0, u64::MAX) };
    assert_eq!(verdict(&[EDGE], &[first, first], &[turned]).verdict, Verdict::Confirmed);
    let many: Vec<Sighting<'_>> = (0..20_000).map(|n| seen("er", f64::from(n), f64::from(n) + 0.5, 50)).collect();
    assert_eq!(verdict(&[EDGE], &many, &[seen("isp", 0.0, 20_000.0, 900_000)]).verdict, Verdict::Confirmed);
}

#[test]
fn verdicts_have_the_names_of_the_contract() {
    let names = [Verdict::No, Verdict::Possible, Verdict::Likely, Verdict::Confirmed, Verdict::CannotTell];
    assert_eq!(serde_json::to_string(&names).unwrap(), r#"["no","possible","likely","confirmed","cannot_tell"]"#);
}
