//! What shows Microsoft peering, what does not, and how long what is announced on it holds.

use super::*;
use crate::proto::bgp::Path;
use crate::record::{RecordId, Seq, SourceId};

const MSEE: &str = "203.0.113.33";
const CE: &str = "203.0.113.34";
const MSEE_MAC: Mac = [2, 0, 0x5e, 0x10, 0, 1];
const CE_MAC: Mac = [2, 0, 0, 0, 0, 9];
/// 2026-11-20, when the newest list is valid.
const START: Timestamp = Timestamp(1_795_132_800_000_000_000);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    START + Span::secs(seconds)
}

fn update(path: &[u32], announced: &[&str], withdrawn: &[&str]) -> Update {
    let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let path = Path { numbers: path.to_vec(), neighbour: path.first().copied(), is_internal: false };
    Update { announced: nets(announced), withdrawn: nets(withdrawn), path, is_internal: false }
}

/// What `from` says at that second, at tap 7.
fn says(seconds: i64, from: &str, said: Vec<Said>) -> Routing {
    let (to, src, dst) = if from == MSEE { (CE, MSEE_MAC, CE_MAC) } else { (MSEE, CE_MAC, MSEE_MAC) };
    let (id, seq) = (RecordId { input: 0, number: seconds as u64 }, Seq(seconds as u64));
    let macs = MacPair { src, dst };
    let seen = Seen { id, seq, at: at(seconds), tap: TapId(7), source: SourceId(0), tunnels: TunnelsId(0), ttl: 1, dscp: 48, macs };
    Routing { seen, from: ip(from), to: ip(to), said }
}

fn routes(seconds: i64, from: &str, update: Update) -> Routing {
    says(seconds, from, vec![Said::Routes(update)])
}

fn microsoft(seconds: i64) -> Routing {
    routes(seconds, MSEE, update(&[12076], &["10.0.0.0/8", "52.112.0.0/14"], &[]))
}

/// All of it, saved and loaded again at every place.
fn gathered(all: &[Routing], topology: &Topology) -> Peerings {
    let mut peerings = Peerings::default();
    for routing in all {
        peerings.add(routing, topology);
        peerings = postcard::from_bytes(&postcard::to_stdvec(&peerings).unwrap()).unwrap();
    }
    peerings
}

fn shows(routing: Routing) -> bool {
    gathered(&[routing], &Topology::built_in()).are_shown()
}

#[test]
fn microsofts_public_prefixes_by_way_of_its_expressroute_routers_show_the_peering() {
    assert!(shows(microsoft(1)));
    assert!(shows(routes(1, MSEE, update(&[12076, 8075], &["2603:1063::/40"], &[]))));
    let quiet = [
        (update(&[12076], &["10.1.0.0/16", "172.16.4.0/24"], &[]), "private peering"),
        (update(&[12076], &["192.0.2.0/24"], &[]), "a public prefix of somebody else's"),
        (update(&[12076], &["0.0.0.0/0", "0.0.0.0/1", "::/0"], &[]), "default routes"),
        (update(&[65010, 8075], &["52.112.0.0/14"], &[]), "the Internet"),
        (update(&[65010, 12076], &["52.112.0.0/14"], &[]), "sent on, nobody knows whereto"),
        (update(&[12076], &[], &["52.112.0.0/14"]), "withdrawn"),
        (Update { is_internal: true, ..update(&[12076], &["52.112.0.0/14"], &[]) }, "sent on within"),
    ];
    for (update, what) in quiet {
        assert!(!shows(routes(1, MSEE, update)), "{what}");
    }
    let mut far = microsoft(1);
    far.seen.ttl = 63;
    assert!(!shows(far), "over several hops");
    assert!(!shows(says(1, MSEE, Vec::new())), "a keep-alive");
}

#[test]
fn a_provider_between_is_told_by_the_places_of_the_routers() {
    let update = || update(&[65010, 12076], &["52.112.0.0/14"], &[]);
    let topology = Topology::parse("[[prefix]]\ncidr = '203.0.113.34/32'\nplace = 'your_network'\n", "t.toml").unwrap();
    assert!(gathered(&[routes(1, MSEE, update())], &topology).are_shown());
    assert!(!gathered(&[routes(1, CE, update())], &topology).are_shown(), "you send it on yourself");
}

#[test]
fn frames_of_the_router_cross_the_peering_at_every_tap_of_the_session() {
    let mut elsewhere = says(2, CE, Vec::new());
    elsewhere.seen.tap = TapId(8);
    let mut stranger = says(3, CE, Vec::new());
    (stranger.seen.tap, stranger.seen.macs.dst) = (TapId(9), [4; 6]);
    let peerings = gathered(&[microsoft(1), elsewhere, stranger], &Topology::built_in());
    let crosses = |tap: u32, src: Mac, dst: Mac| peerings.at(TapId(tap), TunnelsId(0), MacPair { src, dst }).is_some();
    assert!(crosses(7, CE_MAC, MSEE_MAC) && crosses(7, MSEE_MAC, CE_MAC) && crosses(8, CE_MAC, MSEE_MAC));
    assert!(!crosses(7, CE_MAC, [4; 6]) && !crosses(9, CE_MAC, MSEE_MAC) && !crosses(6, CE_MAC, MSEE_MAC));
    assert!(peerings.at(TapId(7), TunnelsId(1), MacPair { src: CE_MAC, dst: MSEE_MAC }).is_none());
    let (peering, points, _) = peerings.iter().next().unwrap();
    assert_eq!((peering.router, peering.yours, peering.net.to_string().as_str()), (ip(MSEE), ip(CE), "52.112.0.0/14"));
    assert_eq!(points.iter().map(|(tap, ..)| tap.0).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn without_link_layer_addresses_the_tap_of_the_announcement_counts() {
    let bare = |mut routing: Routing, tap: u32| {
        (routing.seen.macs, routing.seen.tap) = (MacPair::default(), TapId(tap));
        routing
    };
    let peerings = gathered(&[bare(microsoft(1), 7), bare(says(2, CE, Vec::new()), 8)], &Topology::built_in());
    let crosses = |tap: u32| peerings.at(TapId(tap), TunnelsId(0), MacPair::default()).is_some();
    assert!(crosses(7) && !crosses(8));
}

#[test]
fn what_you_announce_holds_from_its_update_to_its_end() {
    let own = || routes(10, CE, update(&[65001], &["198.51.100.0/24", "198.51.100.0/28", "10.0.0.0/8"], &[]));
    let told = |all: &[Routing], seconds: i64| {
        let announced = gathered(all, &Topology::built_in()).announced(ip("198.51.100.4"), at(seconds));
        announced.map(|announced| (announced.net.to_string(), announced.by))
    };
    let long = Some(("198.51.100.0/28".to_owned(), ip(CE)));
    assert_eq!(told(&[microsoft(1), own()], 10), long);
    assert_eq!(told(&[own(), microsoft(20)], 20), long);
    assert_eq!(told(&[own(), microsoft(20)], 19), None, "not known to be Microsoft peering");
    assert_eq!(told(&[microsoft(1), own()], 9), None, "before");
    assert_eq!(told(&[own()], 30), None, "no Microsoft peering");
    let gone = [microsoft(1), own(), routes(40, CE, update(&[], &[], &["198.51.100.0/28"]))];
    assert_eq!((told(&gone, 39), told(&gone, 40)), (long.clone(), Some(("198.51.100.0/24".to_owned(), ip(CE)))));
    let ended = [microsoft(1), own(), says(50, MSEE, vec![Said::Anew])];
    assert_eq!((told(&ended, 49), told(&ended, 50)), (long.clone(), None));
    assert_eq!((told(&[microsoft(1), own()], 190), told(&[microsoft(1), own()], 191)), (long.clone(), None), "silent");
    let back = [microsoft(1), own(), says(300, CE, Vec::new())];
    assert_eq!((told(&back, 9), told(&back, 300)), (None, None), "silent in between");
    let alive = [microsoft(1), own(), says(150, CE, Vec::new()), says(300, MSEE, Vec::new())];
    assert_eq!(told(&alive, 300), long);
}

#[test]
fn however_many_there_are_few_are_kept() {
    let (topology, mut peerings) = (Topology::built_in(), Peerings::default());
    for n in 0..2000_u32 {
        let mut routing = routes(1, CE, update(&[65001], &[], &[]));
        let own = |m: u32| IpNet::new(IpAddr::from((0xc633_0000 + n * 7 + m).to_be_bytes()), 32).unwrap();
        routing.said = vec![Said::Routes(Update { announced: (0..7).map(own).collect(), ..update(&[65001], &[], &[]) })];
        routing.seen.tap = TapId(n);
        peerings.add(&routing, &topology);
        routing.to = IpAddr::from(n.to_be_bytes());
        peerings.add(&routing, &topology);
    }
    assert_eq!(peerings.0.len(), MOST_SESSIONS);
    assert!(
        peerings
            .0
            .values()
            .all(|session| session.points.len() <= MOST_POINTS && session.sides.iter().all(|s| s.own.len() <= MOST_PREFIXES))
    );
}
