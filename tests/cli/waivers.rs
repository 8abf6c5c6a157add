//! `callpath.toml`: found beside the topology or given, with waivers that cover, that expired and that nothing needs.

use super::{analyze, callpath, holds, own, refusal};
use serde_json::Value;
use std::path::Path;

/// A folder with a topology, and `config` beside it as `name`.
fn site(name: &str, config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let topology = "[[sbc]]\nid = 'sbc1'\nfqdn = 'sbc1.contoso.com'\nplace = 'dmz'\nsignalling = ['198.51.100.4']\n";
    std::fs::write(folder.path().join("network.toml"), topology).unwrap();
    std::fs::write(folder.path().join(name), config).unwrap();
    folder
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn rules(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

const WAIVER: &str = "[[waiver]]\nrule = 'DR012'\nsbc = 'sbc1'\nreason = 'the carrier changes this in March'\n";

#[test]
fn a_waiver_beside_the_topology_takes_its_findings_out_and_is_told_with_them() {
    let unused = "[[waiver]]\nrule = 'lbr'\naddress = '203.0.113.0/24'\nreason = 'tests'\nexpires = 2099-12-31\n";
    let folder = site("callpath.toml", &format!("{WAIVER}expires = 2099-12-31\n{unused}"));
    let topology = path(folder.path(), "network.toml");
    let (_, plain) = analyze(&[&own("no-plus.pcap")], b"");
    let (code, report) = analyze(&["-t", &topology, &own("no-plus.pcap")], b"");
    assert!(rules(&plain).contains(&"DR012-ruri-no-plus") && !rules(&report).contains(&"DR012-ruri-no-plus"), "{report}");
    assert_eq!((code, report["waivers"][0]["expired"].as_bool(), report["waivers"][1]["findings"].as_u64()), (0, Some(false), Some(0)));
    assert!(report["waivers"][0]["findings"].as_u64() > Some(0));
    let shown = callpath(&["analyze", "-t", &topology, &own("no-plus.pcap")], b"");
    holds(&shown.text(), &["Waivers", "DR012", "the carrier changes this in March", "lbr", "not used"]);
}

#[test]
fn a_waiver_that_expired_covers_nothing_and_is_a_finding_itself() {
    let folder = site("other.toml", &format!("{WAIVER}expires = 2020-12-31\n"));
    let (topology, config) = (path(folder.path(), "network.toml"), path(folder.path(), "other.toml"));
    let (_, report) = analyze(&["-t", &topology, "--config", &config, &own("no-plus.pcap")], b"");
    assert!(["DR012-ruri-no-plus", "CP001-waiver-expired"].iter().all(|rule| rules(&report).contains(rule)), "{report}");
    let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "CP001-waiver-expired").unwrap();
    assert_eq!(finding["message"], "the waiver of DR012 for sbc sbc1 held until 2020-12-31: the carrier changes this in March");
}

#[test]
fn severities_and_choice_of_the_file_hold_until_the_command_line_says_otherwise() {
    let folder = site("callpath.toml", "select = ['identity']\nignore = ['DR013']\n[severity]\nidentity = 'info'\n");
    let (topology, capture) = (path(folder.path(), "network.toml"), own("no-plus.pcap"));
    let (_, report) = analyze(&["-t", &topology, &capture], b"");
    let findings = report["findings"].as_array().unwrap();
    assert!(
        !findings.is_empty() && findings.iter().all(|finding| finding["severity"] == "info" && finding["rule"] != "DR013-from-no-plus")
    );
    let (_, report) = analyze(&["-t", &topology, "--select", "DR013", "--ignore", "lbr", &capture], b"");
    assert_eq!(rules(&report), ["DR013-from-no-plus"]);
}

#[test]
fn a_mistake_in_the_file_ends_the_run_with_its_line() {
    let folder = site("callpath.toml", WAIVER);
    let (topology, capture) = (path(folder.path(), "network.toml"), own("no-plus.pcap"));
    holds(&refusal(&["analyze", "-t", &topology, &capture]), &["callpath.toml:1: key 'expires' is missing: write expires = 2027-03-31"]);
    holds(
        &refusal(&["analyze", "--select", "DR012", "--ignore", "identity", &capture]),
        &["'DR012' is selected, and 'ignore' leaves nothing of it"],
    );
    holds(&refusal(&["analyze", "--config", "/nowhere.toml", &capture]), &["cannot read the configuration '/nowhere.toml'"]);
}
