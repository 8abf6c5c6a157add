//! Topology files as users write them, right and wrong.

use super::*;

/// The sketch of the topology page, every table in it.
const SKETCH: &str = r#"
schema = 1
name = "Contoso"
cloud = "worldwide"
express_route = true
lbr_edition = "2023"

[tenant]
domains = ["contoso.com"]
sbc_name_patterns = ["*.customers.carrier.example"]
trusted_ips = ["198.51.100.0/28"]

[[prefix]]
cidr = "10.0.0.0/8"
place = "your_network"
label = "corporate"

[[nat]]
pool = "198.51.100.0/28"
advertised = ["internet"]

[[nat]]
pool = "203.0.113.16/28"
advertised = ["expressroute"]

[[static_nat]]
inside = "10.1.5.10"
outside = "198.51.100.4"

[[link]]
id = "er-primary"
segment = "expressroute"
interface = ["eth2", "eth3"]
vlan = [[1201], [400, 1201]]
mac = ["00:00:5e:00:01:0a", "02:00:5e:10:00:01"]
file = ["er-tap*.pcapng"]
nat_side = "outside"
firewall_side = "outside"
baseline = { ttl = 52, rtt_ms = 14, remote = "52.112.0.0/14" }

[[tunnel]]
kind = "ipsec"
ends = ["198.51.100.9", "203.0.113.77"]
segment = "your_network"

[[site]]
id = "Vietnam"
subnets = ["192.168.1.0/24", "2001:db8:1::/64"]
lbr = true
country = "VN"

[[sbc]]
id = "proxysbc"
fqdn = "proxysbc.contoso.com"
place = "your_network"
signalling = ["198.51.100.4"]
media = ["198.51.100.5"]
inner_media = ["192.168.3.5"]
sip_port = 5061
send_sip_options = true
max_sessions = 200

[[sbc]]
id = "VNsbc"
fqdn = "VNsbc.contoso.com"
place = "your_network"
inner_media = ["192.168.1.5"]

[[gateway]]
fqdn = "proxysbc.contoso.com"
sbc = "proxysbc"
media_bypass = true

[[gateway]]
fqdn = "VNsbc.contoso.com"
sbc = "VNsbc"
proxy = "proxysbc.contoso.com"
media_bypass = true
bypass_mode = "Always"
sites = ["Vietnam"]
sites_lbr = ["Vietnam"]
lbr_user_override = false
failover_codes = [408, 503, 504]
failover_seconds = 10
forward_call_history = true
pidf_lo = false
ip_version = "ipv4"

[[trunk]]
name = "carrier-a"
peers = ["192.0.2.0/28"]
transport = "udp"
mtu = 1500
private_link = false

[[user]]
number = "+84455555555"
home = "online"
lbr = true
policy = ["VNsbc.contoso.com", "proxysbc.contoso.com"]

[numbers]
emergency = ["112", "911", "999"]
private_ranges = ["^1\\d{3}$"]

[microsoft]
list = "endpoints-2026-06.json"
as_of = "2026-06-06"
add = [{ cidr = "13.107.64.0/18", roles = ["client_media"], until = "2025-01-01" }]
"#;

/// A list of one row that says nothing new.
const LIST: &str =
    r#"[{"id": 11, "serviceArea": "Skype", "ips": ["52.112.0.0/14"], "udpPorts": "3478,3479,3480,3481", "expressRoute": true}]"#;

fn sketch() -> Topology {
    Topology::parse_with(SKETCH, "contoso.toml", |_| Ok(LIST.to_owned())).unwrap()
}

fn day(text: &str) -> Timestamp {
    Date::word(text).unwrap().start()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn placed(topology: &Topology, address: &str, at: &str) -> (Place, String) {
    let placed = topology.place(ip(address), day(at));
    assert_eq!(placed.place, topology.place_of(ip(address), day(at)), "{address}");
    (placed.place, placed.why)
}

#[test]
fn the_sketch_is_read_whole() {
    let topology = sketch();
    let tables = &topology.tables;
    assert_eq!(topology.notes, Vec::<String>::new());
    assert_eq!((tables.name.as_deref(), tables.express_route, tables.schema), (Some("Contoso"), Some(true), 1));
    assert_eq!(tables.links[0].baseline.as_ref().unwrap().remote.to_string(), "52.112.0.0/14");
    assert_eq!(tables.links[0].nat_side, Some(LinkSide::Outside));
    assert_eq!(tables.gateways[1].failover_codes, Some(vec![408, 503, 504]));
    assert_eq!(tables.users[0].policy.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["VNsbc.contoso.com", "proxysbc.contoso.com"]);
    assert_eq!(tables.tunnels[0].kind, TunnelKind::Ipsec);
    assert_eq!(tables.microsoft.as_of, Some(Date::word("2026-06-06").unwrap()));
}

#[test]
fn sketch_places_follow_hosts_then_longest_prefix() {
    let topology = sketch();
    for (address, place, why) in [
        ("198.51.100.4", Place::YourNetwork, "address of sbc proxysbc"),
        ("192.168.1.5", Place::YourNetwork, "address of sbc VNsbc"),
        ("198.51.100.7", Place::YourNetwork, "NAT pool 198.51.100.0/28"),
        ("10.9.9.9", Place::YourNetwork, "topology prefix 10.0.0.0/8 (corporate)"),
        ("2001:db8:1::77", Place::YourNetwork, "subnet 2001:db8:1::/64 of site Vietnam"),
        ("192.168.77.1", Place::YourNetwork, "private address (RFC 1918), a guess: in no prefix of the topology"),
        ("192.0.2.3", Place::Carrier, "peer 192.0.2.0/28 of trunk carrier-a"),
        ("192.0.2.16", Place::Internet, "in no known prefix"),
        ("52.114.75.24", Place::Microsoft, "list 'endpoints-2026-06.json' 52.112.0.0/14 as of 2026-06-06"),
        ("::ffff:52.114.75.24", Place::Microsoft, "list 'endpoints-2026-06.json' 52.112.0.0/14 as of 2026-06-06"),
        ("52.122.0.1", Place::Microsoft, "built-in Microsoft list 52.122.0.0/15 as of 2026-06-06"),
    ] {
        assert_eq!(placed(&topology, address, "2026-11-20"), (place, why.to_owned()), "{address}");
    }
    assert!(topology.is_microsoft_signalling(ip("52.114.75.24"), day("2026-11-20")));
    assert_eq!(topology.sbc(ip("198.51.100.4")).unwrap().id.as_str(), "proxysbc");
    assert_eq!(topology.trunk(ip("192.0.2.3")).unwrap().name.as_str(), "carrier-a");
    assert_eq!(topology.pool(ip("203.0.113.17")).unwrap().1, [Advertised::Expressroute]);
}

#[test]
fn without_a_file_private_space_is_yours_and_the_rest_internet() {
    let topology = Topology::built_in();
    for (address, place, why) in [
        ("10.1.2.3", Place::YourNetwork, "private address (RFC 1918), a guess without a topology"),
        ("172.31.255.255", Place::YourNetwork, "private address (RFC 1918), a guess without a topology"),
        ("172.32.0.0", Place::Internet, "in no known prefix"),
        ("100.64.0.1", Place::YourNetwork, "private address (RFC 6598), a guess without a topology"),
        ("fe80::1", Place::YourNetwork, "private address (link-local, RFC 4291), a guess without a topology"),
        ("fd00::1", Place::YourNetwork, "private address (unique local, RFC 4193), a guess without a topology"),
        ("127.0.0.1", Place::YourNetwork, "private address (loopback, RFC 1122), a guess without a topology"),
        ("::1", Place::YourNetwork, "private address (loopback, RFC 4291), a guess without a topology"),
        ("8.8.8.8", Place::Internet, "in no known prefix"),
        ("2603:1063::1", Place::Microsoft, "built-in Microsoft list 2603:1063::/38 as of 2026-06-06"),
        ("52.127.88.59", Place::Microsoft, "built-in Microsoft list 52.127.88.0/21 (gcc-high) as of 2026-06-06"),
    ] {
        assert_eq!(placed(&topology, address, "2026-11-20"), (place, why.to_owned()), "{address}");
    }
    assert_eq!(topology.file, None);
}

#[test]
fn microsoft_rows_are_chosen_by_the_clock_of_the_capture() {
    let topology = Topology::built_in();
    assert_eq!(placed(&topology, "13.107.64.1", "2023-08-01").0, Place::Microsoft);
    assert_eq!(placed(&topology, "13.107.64.1", "2026-06-06").0, Place::Internet);
    assert_eq!(placed(&topology, "52.122.0.1", "2019-12-31").0, Place::Internet);
    assert!(topology.is_microsoft_signalling(ip("52.122.0.1"), day("2026-11-20")));
    assert!(topology.is_microsoft_signalling(ip("52.114.148.0"), day("2026-11-20")));
    assert!(topology.is_microsoft_signalling(ip("52.127.64.33"), day("2020-06-01")));
    assert!(!topology.is_microsoft_signalling(ip("104.212.44.1"), day("2026-11-20")));
    assert!(!topology.is_microsoft_signalling(ip("10.0.0.1"), day("2026-11-20")));
}

#[test]
fn a_clock_that_was_never_set_gets_the_newest_list() {
    let topology = Topology::built_in();
    assert_eq!(topology.place_of(ip("52.122.0.1"), Timestamp(0)), Place::Microsoft);
    assert_eq!(topology.place_of(ip("13.107.64.1"), Timestamp(0)), Place::Internet);
    assert_eq!(topology.place_of(ip("52.122.0.1"), Timestamp(i64::MAX)), Place::Microsoft);
}

#[test]
fn roles_are_those_of_every_valid_prefix_around_the_address() {
    let topology = Topology::built_in();
    let placed = topology.place(ip("52.114.148.0"), day("2021-06-01"));
    assert_eq!(placed.why, "built-in Microsoft list 52.114.148.0/32 as of 2026-06-06");
    assert_eq!(placed.roles, [Role::Signalling, Role::MediaProcessor, Role::TransportRelay, Role::Client]);
    assert!(placed.express_route);
    assert_eq!(topology.roles(ip("52.120.0.1"), day("2026-11-20")), [Role::Signalling, Role::MediaProcessor]);
}

#[test]
fn microsoft_add_wins_over_an_equal_built_in_row_and_has_its_own_days() {
    let topology = sketch();
    assert_eq!(placed(&topology, "13.107.64.1", "2024-12-31").1, "[microsoft] add 13.107.64.0/18 as of 2026-06-06");
    assert_eq!(placed(&topology, "13.107.64.1", "2025-01-01").1, "built-in Microsoft list 13.107.64.0/18 as of 2026-06-06");
}

#[test]
fn sbc_and_static_nat_addresses_come_before_any_prefix() {
    let text = "
[[prefix]]
cidr = '198.51.100.4/32'
place = 'internet'
[[prefix]]
cidr = '10.0.0.0/8'
place = 'dmz'
[[sbc]]
id = 'hosted'
place = 'carrier'
signalling = ['198.51.100.4']
inner_media = ['10.0.0.9']
[[static_nat]]
inside = '10.0.0.9'
outside = '198.51.100.9'
[[static_nat]]
inside = '10.0.0.8'
outside = '198.51.100.8'
";
    let topology = Topology::parse(text, "t.toml").unwrap();
    assert_eq!(topology.notes, Vec::<String>::new());
    assert_eq!(placed(&topology, "198.51.100.4", "2026-01-01"), (Place::Carrier, "address of sbc hosted".to_owned()));
    assert_eq!(placed(&topology, "198.51.100.9", "2026-01-01"), (Place::Carrier, "static NAT of 10.0.0.9".to_owned()));
    assert_eq!(topology.sbc(ip("198.51.100.9")).unwrap().id.as_str(), "hosted");
    assert_eq!(placed(&topology, "198.51.100.8", "2026-01-01"), (Place::Dmz, "static NAT of 10.0.0.8".to_owned()));
}

#[test]
fn dates_may_stand_without_quotes_and_files_may_begin_with_a_byte_order_mark() {
    let topology = Topology::parse("\u{feff}[microsoft]\nas_of = 2026-06-06\n", "t.toml").unwrap();
    assert_eq!(topology.tables.microsoft.as_of, Some(Date::word("2026-06-06").unwrap()));
}

#[test]
fn empty_file_is_a_topology_that_knows_what_no_file_knows() {
    let topology = Topology::parse("", "t.toml").unwrap();
    assert_eq!(placed(&topology, "10.0.0.1", "2026-01-01").0, Place::YourNetwork);
    assert_eq!(topology.tables.express_route, None);
}

#[test]
fn damaged_files_are_refused_or_read_but_never_panic() {
    for cut in (0..SKETCH.len()).step_by(7) {
        let _ = Topology::parse(&SKETCH[..cut], "t.toml");
        let mut text = SKETCH.to_owned();
        text.replace_range(cut..=cut, "ä");
        let _ = Topology::parse(&text, "t.toml");
    }
}

#[test]
fn roles_sites_and_names_come_from_the_longest_prefix() {
    let text = "[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'your_network'\nrole = 'edge'\n[[prefix]]\ncidr = '10.9.0.0/16'\nplace = 'dmz'\n\
                [[prefix]]\ncidr = '10.9.9.9/32'\nplace = 'dmz'\nrole = 'web_proxy'\n\
                [[site]]\nid = 'all'\nsubnets = ['172.16.0.0/12']\n[[site]]\nid = 'one'\nsubnets = ['172.16.1.0/24']\n";
    let topology = Topology::parse(text, "t.toml").unwrap();
    let roles = ["10.1.1.1", "10.9.1.1", "10.9.9.9", "192.0.2.1"].map(|address| topology.role(ip(address)));
    assert_eq!(roles, [Some(PrefixRole::Edge), None, Some(PrefixRole::WebProxy), None]);
    let sites = ["172.16.1.1", "172.16.2.1", "10.1.1.1"].map(|address| topology.site(ip(address)).map(|site| site.id.as_str()));
    assert_eq!(sites, [Some("one"), Some("all"), None]);
    assert_eq!(["10.1.1.1", "172.16.2.1", "192.168.1.1"].map(|address| topology.names(ip(address))), [true, true, false]);
}
