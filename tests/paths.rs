//! A capture for each method by which asymmetric routing is seen, and for each trap that must not be taken for it: `captures/paths`.
//! What callpath says of each stands in `captures/paths/verdicts.txt`; `UPDATE=1 cargo test --test paths` rewrites captures and
//! verdicts, and the diff is the review.

mod support;

use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;
use support::capture::capture;
use support::ladder::parse;
use support::run::analyze;

fn folder() -> PathBuf {
    support::root().join("captures/paths")
}

fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// Names of the cases, each with its first line, which says what it is.
fn cases() -> Vec<(String, String)> {
    let named = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let what = text.lines().next().unwrap().trim_start_matches("# ").to_owned();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), what)
    };
    support::files(&folder(), "ladder").into_iter().map(named).collect()
}

/// The capture of a case, as its ladder makes it.
fn made(name: &str) -> (PathBuf, Vec<u8>) {
    let ladder = std::fs::read_to_string(folder().join(name).with_extension("ladder")).unwrap();
    let made = capture(&parse(&ladder).unwrap_or_else(|e| panic!("{name}: {e}"))).unwrap_or_else(|e| panic!("{name}: {e}"));
    (folder().join(name).with_extension(if made.pcapng { "pcapng" } else { "pcap" }), made.bytes)
}

fn report(name: &str) -> Value {
    let (path, bytes) = made(name);
    if update() {
        std::fs::write(&path, &bytes).unwrap();
    }
    assert!(std::fs::read(&path).is_ok_and(|committed| committed == bytes), "{name}: not what its ladder makes; UPDATE=1 rewrites it");
    analyze(&[path], Some(&folder().join(name).with_extension("toml")))
}

/// The verdict on each hop and what it rests on, notes on BGP, and the findings of DR170.
fn told(report: &Value) -> String {
    let mut text = String::new();
    let end = |hop: &Value, end: &str| hop[end]["ip"].as_str().unwrap().to_owned();
    for hop in report["hops"].as_array().unwrap() {
        let verdict = hop["asymmetric"]["verdict"].as_str().unwrap();
        writeln!(text, "  {} {} and {}: {verdict}", hop["kind"].as_str().unwrap(), end(hop, "a"), end(hop, "b")).unwrap();
        for evidence in hop["asymmetric"]["evidence"].as_array().unwrap() {
            writeln!(text, "    {}", evidence.as_str().unwrap()).unwrap();
        }
    }
    for note in report["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).filter(|note| note.contains("BGP")) {
        writeln!(text, "  note: {note}").unwrap();
    }
    for finding in report["findings"].as_array().unwrap().iter().filter(|finding| is_asymmetry(finding)) {
        writeln!(text, "  {}: {}", finding["severity"].as_str().unwrap(), finding["message"].as_str().unwrap()).unwrap();
        for evidence in finding["evidence"].as_array().unwrap() {
            writeln!(text, "    {}: {}", evidence["number"], evidence["excerpt"].as_str().unwrap()).unwrap();
        }
    }
    text
}

fn is_asymmetry(finding: &Value) -> bool {
    finding["rule"] == "DR170-asymmetric-segment"
}

#[test]
fn each_method_gives_its_verdict_and_each_trap_stays_quiet() {
    let mut all = String::from(
        "What callpath says of the captures beside this file: each hop's verdict with what it rests on, then notes on BGP and findings of DR170.\n",
    );
    for (name, what) in cases() {
        write!(all, "\n{name}: {what}\n{}", told(&report(&name))).unwrap();
    }
    let path = folder().join("verdicts.txt");
    if update() {
        std::fs::write(&path, &all).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (known, now)) in known.lines().zip(all.lines()).enumerate() {
        assert_eq!(known, now, "verdicts.txt line {}", line + 1);
    }
    assert_eq!(known.lines().count(), all.lines().count());
}

/// The worst finding of DR170, and the verdicts that are not `no` or `cannot_tell`.
fn worst(name: &str) -> (Option<String>, Vec<String>) {
    let report = report(name);
    let found = report["findings"].as_array().unwrap().iter().find(|finding| is_asymmetry(finding));
    let verdicts = report["hops"].as_array().unwrap().iter().map(|hop| hop["asymmetric"]["verdict"].as_str().unwrap().to_owned());
    let verdicts = verdicts.filter(|verdict| verdict != "no" && verdict != "cannot_tell").collect();
    (found.map(|finding| finding["severity"].as_str().unwrap().to_owned()), verdicts)
}

#[test]
fn a_method_says_what_section_5_lets_it_say() {
    let says = |name: &str, severity: &str, verdict: &[&str]| {
        assert_eq!(worst(name), (Some(severity.to_owned()), verdict.iter().map(|v| (*v).to_owned()).collect()), "{name}");
    };
    for name in ["m1-interface", "m2-vlan", "m3-mac", "m7-two-taps", "m11-tunnel", "m5-observed", "m13-bgp"] {
        says(name, "warning", &["confirmed"]);
    }
    says("m4-pool", "warning", &["likely"]);
    says("m5-announced", "warning", &["likely"]);
    says("m13-announced", "warning", &["likely"]);
    for name in ["m8-ttl", "m9-rtt", "m12-firewall"] {
        says(name, "info", &["possible"]);
    }
    // Only many flows together support these.
    for name in ["m6-unanswered", "m10-dscp", "signalling-apart", "failover"] {
        says(name, "info", &[]);
    }
}

#[test]
fn nothing_quiet_is_taken_for_asymmetry() {
    for (name, _) in cases().into_iter().filter(|(name, _)| name.starts_with("quiet-")) {
        assert_eq!(worst(&name), (None, Vec::new()), "{name}");
    }
}
