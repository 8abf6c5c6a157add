//! Ways by links, by pools, by places.

use super::super::support::*;
use super::*;
use crate::call::Announced;
use crate::decode::{self, TapId, TunnelsId};
use crate::flow::Seen;
use crate::record::{RecordId, Seq, SourceId};

fn out(texts: &[&str], sightings: &[Sighting<'_>]) -> (Segment, String) {
    let way = way(&topology(texts), ip(SBC), ip(PROXY), sightings, START);
    (way.segment, way.basis.to_string())
}

fn ends(text: &str, from: &str, to: &str) -> (Segment, String) {
    let way = way(&topology(&[text]), ip(from), ip(to), &[seen("eth0", 0.0, 1.0, 9)], START);
    (way.segment, way.basis.to_string())
}

#[test]
fn edge_link_decides_and_is_named() {
    assert_eq!(out(&[EDGE], &[seen("er", 0.0, 9.0, 500)]), (Segment::Expressroute, "link er-1 by interface (M1)".to_owned()));
}

#[test]
fn edge_is_further_out_than_an_inner_link() {
    let found = out(&[EDGE], &[seen("lan", 0.0, 9.0, 500), seen("isp", 0.0, 9.0, 500)]);
    assert_eq!(found, (Segment::Internet, "link isp-1 by interface (M1)".to_owned()));
}

#[test]
fn inner_link_alone_does_not_tell_the_edge() {
    let found = out(&[EDGE], &[seen("lan", 0.0, 9.0, 500)]);
    assert_eq!(found, (Segment::InternetOrExpressroute, "your_network to microsoft, seen on inner links only".to_owned()));
    let found = out(&[EDGE], &[seen("new", 0.0, 9.0, 500)]);
    assert_eq!(found.1, "your_network to microsoft, the link's segment is '?'");
    let found = out(&[EDGE], &[seen("eth9", 0.0, 9.0, 500)]);
    assert_eq!(found.1, "your_network to microsoft, no [[link]] names the tap");
}

#[test]
fn two_edges_are_unknown_and_both_are_named() {
    let found = out(&[EDGE], &[seen("er", 0.0, 9.0, 500), seen("isp", 3.0, 4.0, 7)]);
    let basis = "500 packets on expressroute, link er-1 by interface (M1); 7 packets on internet, link isp-1 by interface (M1)";
    assert_eq!(found, (Segment::Unknown, basis.to_owned()));
}

#[test]
fn tap_of_both_edges_is_unknown() {
    let merged = "[[link]]\nid = 'isp-3'\nsegment = 'internet'\ninterface = ['er']\n";
    let found = out(&[EDGE, merged], &[seen("er", 0.0, 9.0, 500)]);
    let basis = "seen on both edges at once: link er-1 by interface (M1) and link isp-3 by interface (M1)";
    assert_eq!(found, (Segment::Unknown, basis.to_owned()));
}

#[test]
fn expressroute_is_never_guessed() {
    assert_eq!(
        ends("", "10.0.0.1", PROXY),
        (Segment::InternetOrExpressroute, "your_network to microsoft, no [[link]] in the topology tells which".to_owned())
    );
    assert_eq!(
        ends("express_route = false\n", PROXY, "10.0.0.1"),
        (Segment::Internet, "microsoft to your_network, the topology has no ExpressRoute".to_owned())
    );
}

#[test]
fn places_decide_without_edge_evidence() {
    let trunk = "[[trunk]]\nname = 'a'\npeers = ['192.0.2.0/28']\n";
    let private = format!("{trunk}private_link = true\n");
    for (text, from, to, segment, basis) in [
        ("", "10.0.0.1", "192.168.0.1", Segment::Local, "your_network to your_network"),
        ("", "10.0.0.1", "8.8.8.8", Segment::Internet, "your_network to internet"),
        (trunk, "192.0.2.1", "10.0.0.1", Segment::Internet, "carrier to your_network"),
        (&private, "192.0.2.1", "10.0.0.1", Segment::Local, "carrier to your_network, private link of trunk a"),
        ("", PROXY, "52.112.0.1", Segment::Microsoft, "microsoft to microsoft"),
        ("", "8.8.8.8", PROXY, Segment::Internet, "internet to microsoft, not one of your addresses"),
        ("", "8.8.8.8", "9.9.9.9", Segment::Internet, "internet to internet"),
        (
            "[[prefix]]\ncidr = '192.0.2.0/24'\nplace = 'federated'\n",
            "10.0.0.1",
            "192.0.2.1",
            Segment::Unknown,
            "your_network to federated",
        ),
    ] {
        assert_eq!(ends(text, from, to), (segment, basis.to_owned()), "{from} to {to}");
    }
}

#[test]
fn without_a_topology_a_public_address_may_be_yours() {
    let way = way(&Topology::built_in(), ip("8.8.8.8"), ip(PROXY), &[seen("x", 0.0, 1.0, 4)], START);
    assert_eq!(way.segment, Segment::InternetOrExpressroute);
    assert_eq!(&*way.basis, "internet to microsoft, no topology says whose the public address is");
}

#[test]
fn internet_traffic_seen_on_expressroute_is_on_expressroute() {
    let way = way(&topology(&[EDGE]), ip("10.0.0.1"), ip("8.8.8.8"), &[seen("er", 0.0, 1.0, 4)], START);
    assert_eq!(way.segment, Segment::Expressroute);
}

#[test]
fn pool_tells_where_replies_come_back() {
    let pool = "[[nat]]\npool = '203.0.113.16/28'\nadvertised = ['expressroute']\n";
    let basis = "203.0.113.17 is in 203.0.113.16/28, advertised on expressroute only (M4, predicted)";
    assert_eq!(ends(pool, PROXY, "203.0.113.17"), (Segment::Expressroute, basis.to_owned()));
    assert_eq!(ends(pool, "203.0.113.17", PROXY).0, Segment::InternetOrExpressroute);
    assert_eq!(ends(pool, "10.0.0.1", "203.0.113.17").0, Segment::Local);
    let both = "[[nat]]\npool = '203.0.113.16/28'\nadvertised = ['internet', 'expressroute']\n";
    assert_eq!(ends(both, PROXY, "203.0.113.17").0, Segment::InternetOrExpressroute);
}

#[test]
fn direction_without_packets_says_so() {
    let way = way(&topology(&[EDGE]), ip(SBC), ip(PROXY), &[], START);
    assert_eq!((way.segment, way.packets, way.bytes), (Segment::InternetOrExpressroute, 0, 0));
    assert_eq!(&*way.basis, "no packet seen in this direction; your_network to microsoft");
}

#[test]
fn copies_at_further_taps_are_not_counted_and_edge_links_add_up() {
    let packets = |sightings: &[Sighting<'_>]| {
        let way = way(&topology(&[EDGE]), ip(SBC), ip(PROXY), sightings, START);
        (way.packets, way.bytes)
    };
    assert_eq!(packets(&[seen("lan", 0.0, 9.0, 500), seen("er", 0.0, 9.0, 498)]), (500, 500 * 214));
    assert_eq!(packets(&[seen("er", 0.0, 9.0, 300), seen("er2", 0.0, 9.0, 200)]), (500, 500 * 214));
    assert_eq!(packets(&[seen("er", 0.0, 4.0, 300), seen("er", 5.0, 9.0, 200)]), (500, 500 * 214));
    assert_eq!(packets(&[seen("lan", 0.0, 9.0, 500), seen("er", 0.0, 9.0, 300), seen("er2", 0.0, 9.0, 200)]), (500, 500 * 214));
}

#[test]
fn passes_of_one_tap_are_counted_once_and_routes_add_up() {
    let at = |ttl: u8, sighting: Sighting<'static>| Sighting { ttl, ..sighting };
    let packets = |sightings: &[Sighting<'_>]| way(&topology(&[EDGE]), ip(SBC), ip(PROXY), sightings, START).packets;
    let (before, behind) = (at(64, seen("lan", 0.0, 9.0, 500)), at(63, seen("lan", 0.1, 9.1, 499)));
    assert_eq!(packets(&[before, behind]), 500);
    assert_eq!(packets(&[before, at(60, seen("lan", 9.5, 20.0, 300))]), 800);
    assert_eq!(packets(&[before, behind, at(63, seen("lan", 10.0, 20.0, 70))]), 570);
}

#[test]
fn mac_that_one_direction_shows_on_both_edges_counts_in_neither() {
    let router = [2, 0, 0, 0, 0, 1];
    let by_mac = "[[link]]\nid = 'er-3'\nsegment = 'expressroute'\nmac = ['02:00:00:00:00:01']\n";
    let topology = topology(&[EDGE, by_mac]);
    let there = [with_macs(seen("tap", 0.0, 9.0, 500), [9; 6], router)];
    let back = [with_macs(seen("er", 0.0, 4.0, 9), router, [9; 6]), with_macs(seen("isp", 5.0, 9.0, 9), router, [9; 6])];
    let alone = way(&topology, ip(SBC), ip(PROXY), &there, START);
    assert_eq!((alone.segment, &*alone.basis), (Segment::Expressroute, "link er-3 by mac 02:00:00:00:00:01 (M3)"));
    let [there, back] = ways(&topology, ip(SBC), ip(PROXY), &there, &back, START);
    assert_eq!((there.segment, back.segment), (Segment::InternetOrExpressroute, Segment::Unknown));
}

#[test]
fn only_what_a_link_saw_is_observed() {
    let observed =
        |text: &str, interface| way(&topology(&[EDGE, text]), ip(SBC), ip(PROXY), &[seen(interface, 0.0, 9.0, 9)], START).observed;
    assert!(observed("", "er") && observed("", "isp"));
    assert!(!observed("", "lan") && !observed("", "eth9"));
    let pool = "[[nat]]\npool = '198.51.100.0/28'\nadvertised = ['internet']\n";
    let back = way(&topology(&[EDGE, pool]), ip(PROXY), ip(SBC), &[seen("lan", 0.0, 9.0, 9)], START);
    assert_eq!((back.segment, back.observed), (Segment::Internet, false));
}

const ROUTER: Mac = [2, 0, 0x5e, 0x10, 0, 1];

/// Packets to Microsoft's router, which BGP shows from that second on.
fn peered(sighting: Sighting<'static>, since: f64) -> Sighting<'static> {
    let id = RecordId { input: 0, number: 1 };
    let macs = decode::MacPair { src: ROUTER, dst: [9; 6] };
    let (tap, source, tunnels, at) = (TapId(7), SourceId(0), TunnelsId(0), START + Span((since * 1e9) as i64));
    let since = Seen { id, seq: Seq(0), at, tap, source, tunnels, ttl: 1, dscp: 0, macs };
    let (router, yours, net) = (ip("203.0.113.33"), ip("203.0.113.34"), "52.112.0.0/14".parse().unwrap());
    Sighting { peering: Some(Peering { router, yours, mac: ROUTER, net, since }), ..with_macs(sighting, [9; 6], ROUTER) }
}

#[test]
fn bgp_shows_microsoft_peering_where_the_topology_says_nothing() {
    let bgp = "BGP of 203.0.113.33, which announces 52.112.0.0/14 by AS 12076 (M13)";
    let found = |interface, since| out(&[EDGE], &[peered(seen(interface, 5.0, 9.0, 500), since)]);
    assert_eq!(found("eth9", 5.0), (Segment::Expressroute, bgp.to_owned()));
    assert_eq!(found("new", 1.0), (Segment::Expressroute, format!("link new by interface (M1) and {bgp}")));
    assert_eq!(found("isp", 1.0), (Segment::Internet, "link isp-1 by interface (M1)".to_owned()));
    assert_eq!(found("lan", 1.0).0, Segment::InternetOrExpressroute);
    assert_eq!(found("eth9", 5.1).0, Segment::InternetOrExpressroute, "not known yet");
    let other = with_macs(peered(seen("eth9", 5.0, 9.0, 500), 1.0), [9; 6], [4; 6]);
    assert_eq!(out(&[EDGE], &[other]).0, Segment::InternetOrExpressroute, "another router");
    let back = with_macs(peered(seen("eth9", 5.0, 9.0, 500), 1.0), ROUTER, [9; 6]);
    assert_eq!(out(&[EDGE], &[back]).0, Segment::InternetOrExpressroute, "out of Microsoft's router");
    let none = Topology::parse(&format!("express_route = false\n{EDGE}"), "t.toml").unwrap();
    let way = way(&none, ip(SBC), ip(PROXY), &[peered(seen("eth9", 5.0, 9.0, 500), 1.0)], START);
    assert_eq!(way.segment, Segment::Internet);
}

#[test]
fn packets_are_parted_where_bgp_shows_the_link() {
    let parts = |since, packets| {
        let parts = peered(seen("eth9", 0.0, 10.0, packets), since).parted();
        parts.map(|part| (part.is_peering(), part.packets, part.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(parts(4.0, 100), [(false, 40, 8_560), (true, 60, 12_840)]);
    assert_eq!(parts(9.999, 100), [(false, 99, 21_186), (true, 1, 214)]);
    assert_eq!(parts(0.0, 100), [(true, 100, 21_400)]);
    assert_eq!(parts(10.1, 100), [(false, 100, 21_400)]);
    assert_eq!(parts(4.0, 1).len(), 1);
    assert_eq!(seen("eth9", 0.0, 10.0, 9).parted().count(), 1);
    let odd =
        Sighting { first: Timestamp(i64::MIN), last: Timestamp(i64::MAX), packets: u64::MAX, ..peered(seen("eth9", 0.0, 1.0, 1), 1.0) };
    assert_eq!(odd.parted().map(|part| u128::from(part.packets)).sum::<u128>(), u128::from(u64::MAX));
    // Both parts are one direction at one tap.
    let whole: Vec<Sighting<'_>> = peered(seen("eth9", 0.0, 10.0, 100), 4.0).parted().collect();
    let way = way(&topology(&[EDGE]), ip(SBC), ip(PROXY), &whole, START);
    assert_eq!((way.segment, way.packets, way.bytes), (Segment::Expressroute, 100, 21_400));
}

#[test]
fn what_you_announce_on_microsoft_peering_comes_back_there() {
    let told = |text: &str, on_internet| {
        let announced = Announced { net: "198.51.100.0/24".parse().unwrap(), by: ip("203.0.113.34") };
        let [back, there] =
            ways_told(&topology(&[EDGE, text]), [ip(PROXY), ip(SBC)], [&[], &[]], [None, Some(Route { announced, on_internet })], START);
        assert_eq!(there.segment, Segment::InternetOrExpressroute);
        (back.segment, back.basis.to_string())
    };
    let pool = |advertised: &str| format!("[[nat]]\npool = '198.51.100.0/28'\n{advertised}");
    let basis = "no packet seen in this direction; 198.51.100.4 is in 198.51.100.0/24, which 203.0.113.34 announces on Microsoft peering \
                 (BGP, M13; M4, predicted)";
    for text in ["", &pool("")] {
        assert_eq!(told(text, false), (Segment::Expressroute, basis.to_owned()));
    }
    assert_eq!(told("", true).0, Segment::InternetOrExpressroute);
    assert_eq!(told(&pool("advertised = ['internet']\n"), false).0, Segment::Internet, "the topology says it");
    assert_eq!(told(&pool("advertised = ['internet', 'expressroute']\n"), false).0, Segment::InternetOrExpressroute);
}
