//! The bench's captures over TCP and its hostile ones: the generator keeps its word, callpath reads every message that it wrote and
//! finds every way it broke a rule, and an attack changes neither the ledger's sum nor the exit.

use callpath::engine::{Budget, par};
use callpath::report::json::Json;
use serde_json::Value;

#[path = "support/drive.rs"]
mod drive;
#[path = "../benches/support/shapes.rs"]
mod shapes;

use drive::{Given, drive, drive_within, json};
use shapes::{ATTACKS, DIALOGS_PER_SECOND, Truth, write};

fn written(name: &str, bytes: u64, vlan: Option<u16>) -> (Vec<u8>, Truth) {
    let mut capture = Vec::new();
    let truth = write(name, bytes, DIALOGS_PER_SECOND, vlan, &mut capture).expect("a Vec takes everything");
    assert_eq!(capture.len() as u64, truth.bytes);
    (capture, truth)
}

fn given(folder: &tempfile::TempDir, capture: &[u8]) -> Given {
    let path = folder.path().join("shape.pcap");
    std::fs::write(&path, capture).expect("a file that can be written");
    Given::of(&[path])
}

fn report(capture: &[u8]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    serde_json::from_slice(&drive(&given(&folder, capture), &Json, 16_384).report).expect("reports are JSON")
}

#[test]
fn every_message_of_drsip_is_read_and_every_fault_found() {
    let (capture, truth) = written("drsip", 3_000_000, None);
    let report = report(&capture);
    assert_eq!(report["ledger"]["records"], truth.packets);
    assert_eq!(report["totals"]["messages"], serde_json::to_value(&truth.messages).expect("plain data"));
    assert!(truth.broken > 20, "{}", truth.broken);
    let findings = report["findings"].as_array().expect("a list");
    for rule in ["DR001", "DR002", "DR010", "DR011", "DR012", "DR013", "DR070"] {
        assert!(findings.iter().any(|finding| finding["rule"].as_str().is_some_and(|id| id.starts_with(rule))), "{rule}");
    }
    assert!(report["calls"].as_array().expect("a list").iter().all(|call| call["legs"][0]["side"] == "microsoft"));
}

#[test]
fn the_same_shape_has_the_same_bytes() {
    for (name, _) in ATTACKS.iter().chain(&[("drsip", ATTACKS[0].1)]) {
        let (capture, truth) = written(name, 200_000, None);
        assert!(written(name, 200_000, None).0 == capture, "{name}");
        assert!(written(name, 200_000, Some(7)).1.packets <= truth.packets, "{name}");
    }
    assert!(write("siponly", 1, 1, None, &mut Vec::new()).is_err());
}

#[test]
fn an_attack_is_counted_like_anything_else() {
    for (name, attack) in ATTACKS {
        let (capture, truth) = written(name, 2_000_000, None);
        let report = report(&capture);
        let sum = |counts: &Value| counts.as_object().expect("counts").values().filter_map(Value::as_u64).sum::<u64>();
        let ledger = &report["ledger"];
        assert_eq!(ledger["records"], truth.packets, "{attack:?}");
        assert_eq!(sum(&ledger["kinds"]) + sum(&ledger["undecoded"]), truth.packets, "{attack:?}");
        assert_eq!(report["totals"]["messages"].get("INVITE"), serde_json::to_value(&truth.messages).expect("plain data").get("INVITE"));
        assert_eq!((report["inputs"][0]["complete"].as_bool(), report["inputs"][0]["problem"].as_str()), (Some(true), None), "{attack:?}");
    }
}

#[test]
fn an_attack_leaves_no_trace_of_threads_and_windows() {
    for (name, attack) in ATTACKS {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let given = given(&folder, &written(name, 1_000_000, None).0);
        assert!(json(&given, 1, 16_384) == json(&given, 3, 1_000), "{attack:?}");
    }
}

#[test]
fn what_a_flood_drives_out_is_counted_and_depends_on_records_alone() {
    // More records than lie between two ticks.
    for name in ["collide", "one-off", "syn", "call-ids"] {
        let (capture, truth) = written(name, if name == "call-ids" { 26_000_000 } else { 8_000_000 }, None);
        assert!(truth.packets > 65_536, "{name} {}", truth.packets);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let given = given(&folder, &capture);
        let budget = Budget { flows: 16, legs: 16, messages: 64, streams: 64, connections: 64, rendered: 1 << 16, ..Budget::default() };
        let within = |threads, window| par::with_threads(threads, || drive_within(&given, &Json, window, budget)).report;
        let told = within(1, 4_096);
        assert!(told == within(3, 1_000), "{name}");
        let report: Value = serde_json::from_slice(&told).expect("reports are JSON");
        let sum = |counts: &Value| counts.as_object().expect("counts").values().filter_map(Value::as_u64).sum::<u64>();
        let ledger = &report["ledger"];
        assert_eq!(
            (ledger["records"].as_u64(), sum(&ledger["kinds"]) + sum(&ledger["undecoded"])),
            (Some(truth.packets), truth.packets),
            "{name}"
        );
        assert!(ledger["evicted"].as_u64() > Some(1_000), "{name} {}", ledger["evicted"]);
    }
}
