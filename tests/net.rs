//! A recording made now, by real software, analysed: `make test-net`. Needs root, sipp, tcpdump and iproute2, so it is not part of
//! `make test`, which reads the recordings in `captures/`.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
#[ignore = "records SIPp against SIPp as root; run `make test-net`"]
fn two_recorded_calls_are_two_answered_calls_with_media_both_ways() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    record(folder.path());
    for transport in ["udp", "tcp"] {
        let report = analyse(&folder.path().join(format!("sipp-{transport}.pcap")));
        let calls = array(&report, "calls");
        assert_eq!(calls.len(), 2, "{transport}: {calls:?}");
        for call in calls {
            assert_eq!((&call["kind"], &call["outcome"]), (&"call".into(), &"answered".into()), "{transport}");
            assert_eq!(array(call, "streams").len(), 2, "{transport}");
            assert_eq!(call["legs"][0]["transport"], transport);
        }
        for stream in array(&report, "streams") {
            assert_eq!((&stream["codec"], &stream["lost"]), (&"PCMA".into(), &0.into()), "{transport}");
            assert!((140..=155).contains(&stream["packets"].as_u64().expect("a count")), "{transport}: {stream}");
        }
        for message in ["INVITE", "ACK", "BYE", "100", "180"] {
            assert_eq!(report["totals"]["messages"][message], 2, "{transport}: {message}");
        }
    }
}

fn array<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().unwrap_or_else(|| panic!("no array '{name}'"))
}

/// Runs `captures/make/sipp.sh`, as root.
fn record(folder: &Path) {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures/make/sipp.sh");
    let id = Command::new("id").arg("-u").output().expect("id");
    let mut command = if id.stdout == b"0\n" { Command::new(&script) } else { Command::new("sudo") };
    if command.get_program() == "sudo" {
        command.arg("-n").arg(&script);
    }
    let output = command.arg(folder).output().expect("sipp.sh or sudo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn analyse(capture: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callpath"));
    let output = command.args(["analyze", "--format", "json", "--no-progress"]).arg(capture).output().expect("callpath");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a report")
}
