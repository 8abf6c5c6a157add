//! Drafts of surveys, and that each loads as a topology.

use super::*;
use crate::report::{HostRole, InputEntry, NameEntry, PeerEntry, RunEntry, TapEntry};
use crate::topology::Topology;
use std::net::IpAddr;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn tap(id: u32, interface: Option<&str>, vlan: &[u16]) -> TapEntry {
    TapEntry { id, inputs: vec![0], interface: interface.map(str::to_owned), vlan: vlan.to_vec(), encapsulation: None }
}

fn run(host: &str, role: HostRole, outbound: bool, tap: u32, packets: u64) -> RunEntry {
    RunEntry { host: ip(host), role, outbound, tap, gateway: [0, 0, 0x5e, 0, 1, tap as u8], packets }
}

fn draft(survey: Survey, taps: Vec<TapEntry>, path: &str) -> String {
    let mut gathered = Gathered::default();
    gathered.add(survey);
    let inputs = vec![InputEntry { path: path.to_owned(), ..InputEntry::default() }];
    let mut out = Vec::new();
    text::write(&gathered, &Summary { inputs, taps, ..Summary::default() }, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let loaded = Topology::parse(&text, "draft.toml").unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(loaded.notes, Vec::<String>::new(), "{text}");
    text
}

/// Every line that is wanted stands there.
fn holds(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
}

#[test]
fn an_sbc_its_carrier_and_its_links_are_drafted() {
    let sbc = ip("10.1.5.10");
    let survey = Survey {
        runs: vec![
            run("10.1.5.10", HostRole::Signalling, true, 0, 9),
            run("198.51.100.4", HostRole::Signalling, false, 1, 8),
            run("10.1.5.11", HostRole::MediaOf(sbc), true, 0, 200),
            run("10.9.9.9", HostRole::Unknown, true, 0, 5),
        ],
        names: ["10.1.5.10", "198.51.100.4"]
            .map(|host| NameEntry { host: ip(host), name: "sbc1.contoso.com".to_owned(), by: "Contact".to_owned() })
            .to_vec(),
        ports: vec![(sbc, 5061)],
        peers: vec![
            PeerEntry { sbc, inner: ip("192.168.3.5"), peer: ip("192.0.2.3") },
            PeerEntry { sbc, inner: ip("192.168.3.5"), peer: ip("192.168.7.7") },
        ],
        private: vec![sbc, ip("192.168.3.5")],
        clouds: vec!["worldwide".to_owned()],
    };
    let text = draft(survey, vec![tap(0, Some("eth0"), &[]), tap(1, Some("eth0"), &[400, 1201]), tap(2, Some("lo"), &[])], "/a/er.pcapng");
    holds(
        &text,
        &[
            "\ncloud = \"worldwide\"\n",
            "# domains = [\"contoso.com\"] ",
            "id = \"sbc1.contoso.com\"\nfqdn = \"sbc1.contoso.com\" ",
            "signalling = [\"10.1.5.10\", \"198.51.100.4\"]\nmedia = [\"10.1.5.11\"]\n# inner_media = [\"192.168.3.5\"] ",
            "sip_port = 5061\n",
            "\nname = \"carrier\"\npeers = [\"192.0.2.3\"]\n",
            "# peers = [\"192.168.7.7\"]\n",
            "cidr = \"10.0.0.0/8\"\n",
            "# inside = \"10.1.5.10\"\n# outside = \"198.51.100.4\"\n",
            "# pool = \"198.51.100.4\" ",
            "'media': [\"10.9.9.9\"]",
            "# interface eth0, untagged, in er.pcapng: 214 packets to Microsoft, 0 from it\n#   gateway 00:00:5e:00:01:00: 214 to",
            "id = \"eth0\"\nsegment = \"?\"\ninterface = [\"eth0\"]\nvlan = [[]]\n",
            "id = \"eth0.400.1201\"\nsegment = \"?\"\ninterface = [\"eth0\"]\nvlan = [[400, 1201]]\n",
            "which need no link:\n# interface lo, untagged",
        ],
    );
}

#[test]
fn a_tap_without_a_name_is_told_by_its_file_or_its_gateway() {
    let survey = || Survey { runs: vec![run("198.51.100.4", HostRole::Signalling, true, 0, 9)], ..Survey::default() };
    holds(
        &draft(survey(), vec![tap(0, None, &[])], "/a/er [1].pcap"),
        &["id = \"tap-0\"", "file = [\"er [[]1[]].pcap\"]", "# fqdn = ", "# media = [\"198.51.100.4\"]"],
    );
    holds(&draft(survey(), vec![tap(0, None, &[])], "-"), &["segment = \"?\"\nmac = [\"00:00:5e:00:01:00\"]\n"]);
    holds(&draft(survey(), vec![tap(0, Some("we\"ird\n\\ "), &[])], "a\nb\".pcap"), &["a\\u000Ab\\\".pcap"]);
}

#[test]
fn a_capture_without_microsoft_gives_a_file_that_loads() {
    holds(&draft(Survey::default(), Vec::new(), "x.pcap"), &["write your [[sbc]] by hand", "No packet to or from Microsoft"]);
}
