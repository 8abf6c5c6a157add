//! One call inside each encapsulation (`captures/encap`, described in `captures/README.md`) is found as if nothing were around it.

mod support;

use serde_json::{Value, json};
use support::root;
use support::run::analyze;

/// Largest of these captures.
const MOST_BYTES: u64 = 40_000;

/// A capture and what is known of it from tshark and its making: RTP packets from caller and answerer, and words of which one stands
/// in the mirror encapsulation of a tap. Encapsulations that carry traffic but mirror none are no part of a tap.
type Encapsulation = (&'static str, [u64; 2], &'static [&'static str]);

const ENCAPSULATIONS: [Encapsulation; 31] = [
    ("6in4", [40, 40], &[]),
    ("erspan-1", [40, 40], &["erspan"]),
    ("erspan-2", [50, 50], &["erspan"]),
    ("erspan-3", [51, 51], &["erspan"]),
    ("erspan-3-platform", [40, 40], &["erspan"]),
    ("geneve", [50, 50], &["geneve"]),
    ("gre-in-vxlan", [50, 50], &["gre", "vxlan"]),
    ("gre-ip", [51, 50], &[]),
    ("gre-over-ipv6", [50, 50], &["gre"]),
    ("gre-teb", [51, 51], &["gre"]),
    ("gtp-in-gtp", [40, 40], &[]),
    ("gtp-u", [50, 51], &[]),
    ("hep-1", [40, 40], &["hep"]),
    ("hep-2", [46, 50], &["hep"]),
    ("hep-3", [50, 50], &["hep"]),
    ("hep-3-compressed", [40, 40], &["hep"]),
    ("hep-3-ipv6", [50, 51], &["hep"]),
    ("hep-3-tcp", [40, 40], &[]),
    ("ip-in-ip", [40, 40], &[]),
    ("ip-in-ipv6", [40, 40], &[]),
    ("l2tp", [40, 40], &[]),
    ("llc-snap", [40, 40], &[]),
    ("mpls", [50, 50], &[]),
    ("mpls-pseudowire", [40, 40], &[]),
    ("ppp", [40, 40], &[]),
    ("pppoe", [40, 40], &[]),
    ("qinq", [50, 50], &[]),
    ("sctp", [40, 40], &[]),
    ("vxlan-4789", [49, 50], &["vxlan"]),
    ("vxlan-8472", [50, 50], &["vxlan"]),
    ("vxlan-fragments", [50, 50], &["vxlan"]),
];

fn list<'v>(report: &'v Value, name: &str) -> &'v [Value] {
    report[name].as_array().unwrap()
}

/// What is wrong with a report of a capture with one call, one line each.
fn faults(report: &Value, packets: [u64; 2], words: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut hold = |what: &str, is: Value, should: Value| {
        if is != should {
            faults.push(format!("{what}: {is} instead of {should}"));
        }
    };
    hold("undecoded", report["ledger"]["undecoded"].clone(), json!({}));
    let messages = json!({ "INVITE": 1, "100": 1, "180": 1, "200": 2, "ACK": 1, "BYE": 1 });
    hold("messages", report["totals"]["messages"].clone(), messages);
    let calls = list(report, "calls");
    let parties = |call: &Value| json!([call["kind"], call["outcome"], call["caller"], call["callee"]]);
    hold("calls", calls.iter().map(parties).collect(), json!([["call", "answered", "+15550101", "+15550102"]]));
    let is_callers =
        |stream: &&Value| stream["src"].as_str().is_some_and(|src| src.contains("192.0.2.10") || src.contains("2001:db8:1::10"));
    let (from_caller, from_answerer): (Vec<&Value>, Vec<&Value>) = list(report, "streams").iter().partition(is_callers);
    for (whose, streams, packets) in [("caller's", from_caller, packets[0]), ("answerer's", from_answerer, packets[1])] {
        let figures = |stream: &&Value| json!([stream["packets"], stream["lost"], stream["codec"], stream["call"]]);
        hold(
            &format!("{whose} streams"),
            streams.iter().map(figures).collect(),
            json!([[packets, 0, "PCMA", calls.first().map(|call| &call["id"])]]),
        );
    }
    let named = |tap: &Value| tap["encapsulation"].as_str().is_some_and(|text| words.iter().any(|word| text.contains(word)));
    hold("a tap is named", json!(words.is_empty() || list(report, "taps").iter().any(named)), json!(true));
    faults
}

#[test]
fn a_call_is_found_inside_every_encapsulation() {
    let folder = root().join("captures/encap");
    let wrong = |(name, packets, words): &Encapsulation| {
        let faults = faults(&analyze(&[folder.join(format!("{name}.pcap"))], None), *packets, words);
        (!faults.is_empty()).then(|| format!("{name}\n   {}", faults.join("\n   ")))
    };
    let wrong: Vec<String> = ENCAPSULATIONS.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ENCAPSULATIONS.len(), wrong.join("\n"));
}

#[test]
fn both_tags_of_a_stacked_vlan_are_of_the_tap() {
    let report = analyze(&[root().join("captures/encap/qinq.pcap")], None);
    assert_eq!(list(&report, "taps").iter().map(|tap| &tap["vlan"]).collect::<Vec<_>>(), [&json!([500, 100])]);
}

#[test]
fn every_encapsulation_is_small_described_and_tested() {
    let readme = std::fs::read_to_string(root().join("captures/README.md")).unwrap();
    let files = support::files(&root().join("captures/encap"), "pcap");
    let mut names: Vec<&str> = files.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
    names.sort();
    assert_eq!(names, ENCAPSULATIONS.map(|(name, ..)| name));
    for name in names {
        assert!(readme.contains(&format!("\n| {name} |")), "captures/README.md does not describe {name}");
    }
    files.iter().for_each(|file| assert!(file.metadata().unwrap().len() <= MOST_BYTES, "{} is too large", file.display()));
}

#[test]
fn a_report_without_the_call_is_at_fault() {
    let nothing = json!({ "ledger": { "undecoded": { "gre": 7 } }, "totals": { "messages": {} }, "calls": [], "streams": [], "taps": [] });
    assert_eq!(faults(&nothing, [1, 1], &["gre"]).len(), 6);
}
