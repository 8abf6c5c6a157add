//! The program as users and scripts meet it: options, subcommands, where reports go, and exit codes.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[path = "support/asked.rs"]
mod asked;
#[path = "../benches/support/gen.rs"]
mod generator;
#[path = "cli/lbr.rs"]
mod lbr;
#[path = "cli/packed.rs"]
mod packed;
#[path = "support/program.rs"]
mod program;
#[path = "cli/waivers.rs"]
mod waivers;

use asked::{BROKEN, CLEAN, Folder, analyze, bytes, holds, own, refusal};
use program::{Ran, callpath};

#[test]
fn count_stops_after_merged_records_and_is_no_problem() {
    let (code, report) = analyze(&["-c", "5", &own(CLEAN), &own("two-vlans.pcap")], b"");
    assert_eq!((code, report["ledger"]["records"].as_u64()), (0, Some(5)));
    assert_eq!(callpath(&["analyze", "-c", "0", &own(CLEAN)], b"").code, 2);
}

#[cfg(feature = "live")]
#[test]
fn filter_leaves_out_what_tcpdump_would() {
    let (code, report) = analyze(&["-f", "udp port 5060", &own(CLEAN)], b"");
    assert_eq!((code, report["ledger"]["records"].as_u64(), report["ledger"]["kinds"]["sip"].as_u64()), (0, Some(14), Some(14)));
    holds(&refusal(&["analyze", "-f", "udp prot 5060", &own(CLEAN)]), &["-f 'udp prot 5060': ", "man pcap-filter"]);
}

#[cfg(not(feature = "live"))]
#[test]
fn filter_needs_libpcap() {
    holds(&refusal(&["analyze", "-f", "udp", &own(CLEAN)]), &["-f needs libpcap", "'live'"]);
}

#[test]
fn fail_on_chooses_what_counts() {
    let code = |args: &[&str]| callpath(&[&["analyze", "-q"], args].concat(), b"").code;
    let (broken, no_plus) = (own(BROKEN), own("no-plus.pcap"));
    for (level, with_errors, with_warnings) in [("error", 1, 0), ("warning", 1, 1), ("info", 1, 1), ("never", 0, 0)] {
        assert_eq!(code(&["--fail-on", level, &broken]), with_errors, "{level}");
        assert_eq!(code(&["--fail-on", level, "--select", "DR013", &no_plus]), with_warnings, "{level}");
    }
    assert_eq!((code(&[&broken]), code(&[&own(CLEAN)])), (1, 0));
    assert_eq!(code(&["--fail-on", "often", &broken]), 2);
}

/// Starts `callpath ARGS`, reads the first line and closes the pipe.
fn first_line(args: &[&str]) -> (String, Ran) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callpath"));
    let mut child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let done = child.wait_with_output().unwrap();
    (line, Ran { code: done.status.code().unwrap_or(-1), out: done.stdout, err: String::from_utf8(done.stderr).unwrap() })
}

#[test]
fn closed_pipe_ends_the_run_quietly() {
    let here = Folder::new();
    let plan = generator::Plan { bytes: Some(3_000_000), ..generator::Plan::named("siponly").expect("a shape") };
    let mut capture = Vec::new();
    let truth = generator::write(&plan, &mut capture).expect("a Vec takes everything");
    assert!(truth.packets > 1_000, "{truth}");
    let path = here.put("many.pcap", &capture);
    assert!(callpath(&["analyze", "--format", "json", &path], b"").out.len() > 500_000, "more than a pipe holds");
    for format in ["json", "jsonl", "terminal"] {
        // Of a report of a few kB the pipe takes all, and nobody notices.
        let (line, ran) = first_line(&["analyze", "--fail-on", "never", "-vv", "--format", format, &path]);
        assert!(!line.is_empty());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{format}");
    }
    for args in [&["rules"][..], &["explain", "DR001"], &["--help"], &["classify", "10.0.0.1"]] {
        let (line, ran) = first_line(args);
        assert_eq!((line.is_empty(), ran.code, ran.err.as_str()), (false, 0, ""), "{args:?}");
    }
}

#[test]
fn output_goes_to_the_file_that_is_named() {
    let here = Folder::new();
    let to = here.path("report.json").display().to_string();
    let ran = callpath(&["analyze", "--format", "json", "-o", &to, &own(BROKEN)], b"");
    assert_eq!((ran.code, ran.text().as_str(), ran.err.as_str()), (1, "", ""));
    let direct = callpath(&["analyze", "--format", "json", &own(BROKEN)], b"");
    assert!(fs::read(&to).unwrap() == direct.out);
    let refused = refusal(&["analyze", "-o", &here.path("no/report.json").display().to_string(), &own(BROKEN)]);
    assert_eq!(refused, format!("cannot write to '{}': no such folder: create it, or name another", here.path("no/report.json").display()));
}

#[test]
fn rules_are_chosen_by_name_and_unknown_ones_refused() {
    let rules = |args: &[&str]| {
        let (code, report) = analyze(&[args, &[&own(BROKEN)]].concat(), b"");
        let checks: Vec<String> = report["checks"].as_object().unwrap().keys().cloned().collect();
        (code, checks)
    };
    assert_eq!(rules(&["--select", "DR001"]), (1, vec!["DR001-contact-ip".to_owned()]));
    let (code, without) = rules(&["--ignore", "contact-ip,options"]);
    assert!(code == 0 && !without.is_empty() && !without.contains(&"DR001-contact-ip".to_owned()));
    for flag in ["--select", "--ignore"] {
        holds(&refusal(&["analyze", flag, "DR918", &own(BROKEN)]), &["no rule 'DR918'", "'callpath rules'"]);
    }
}

#[test]
fn rules_are_listed_and_explained_by_any_form_of_their_name() {
    let list = callpath(&["rules"], b"");
    assert_eq!((list.code, list.err.as_str()), (0, ""));
    assert!(list.text().lines().count() >= 8 && list.text().starts_with("DR001-contact-ip  "));
    let list: Value = serde_json::from_slice(&callpath(&["rules", "--format", "json"], b"").out).unwrap();
    assert_eq!(list["rules"][0]["id"], "DR001-contact-ip");
    let pages = ["DR001", "contact-ip", "DR001-contact-ip", "dr001"].map(|rule| callpath(&["explain", rule], b""));
    assert!(pages.iter().all(|page| (page.code, &page.out, page.err.as_str()) == (0, &pages[0].out, "")));
    holds(&pages[0].text(), &["DR001-contact-ip", "What it means"]);
    holds(&refusal(&["explain", "contact"]), &["no rule 'contact': nearest are DR001-contact-ip"]);
}

#[test]
fn addresses_are_classified_with_and_without_a_topology() {
    let ran = callpath(&["classify", "52.114.75.24", "198.51.100.5"], b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<String> = ran.text().lines().map(str::to_owned).collect();
    holds(&lines[0], &["52.114.75.24", "microsoft", "internet_or_expressroute"]);
    holds(&lines[1], &["198.51.100.5", "internet"]);
    let known = callpath(&["classify", "-t", &own("er-out-internet-back.toml"), "198.51.100.5"], b"");
    holds(&known.text(), &["198.51.100.5", "your_network", "sbc1"]);
    let ran = callpath(&["classify", "nowhere"], b"");
    assert_eq!((ran.code, ran.text().as_str()), (2, ""));
    holds(&ran.err, &["'nowhere'"]);
}

#[test]
fn standard_input_is_read_and_named_as_a_dash() {
    let (code, report) = analyze(&["-"], &bytes(CLEAN));
    assert_eq!((code, &report["inputs"][0]["path"], report["inputs"][0]["records"].as_u64()), (0, &Value::from("-"), Some(414)));
    let (code, report) = analyze(&["-"], b"");
    assert_eq!((code, &report["inputs"][0]["problem"]), (3, &Value::from("the input is empty: not a capture")));
    let (code, report) = analyze(&["-"], &bytes(CLEAN)[..5_000]);
    assert_eq!(code, 3);
    holds(report["inputs"][0]["problem"].as_str().unwrap(), &["the last record is cut", "(at byte 4814)"]);
    holds(&refusal(&["analyze", "-", "-"]), &["standard input (-) can be read once"]);
}

#[test]
fn limit_bounds_the_terminal_report_and_says_so() {
    let here = Folder::new();
    let plan = generator::Plan { bytes: None, calls: 400, ..generator::Plan::named("siponly").expect("a shape") };
    let mut capture = Vec::new();
    generator::write(&plan, &mut capture).expect("a Vec takes everything");
    let path = here.put("many.pcap", &capture);
    let lines = |args: &[&str]| {
        let ran = callpath(&[&["analyze"], args, &[&path]].concat(), b"");
        assert_eq!(ran.code, 0);
        (ran.text().lines().count(), ran.text())
    };
    let (usual, text) = lines(&[]);
    holds(&text, &["300 more calls without findings left out; --limit 0 shows all", "--format json has everything"]);
    let (few, text) = lines(&["--limit", "5"]);
    holds(&text, &["395 more calls"]);
    let (all, text) = lines(&["--limit", "0"]);
    assert!(!text.contains("left out") && few < usual && usual < all && all > 400, "{few} {usual} {all}");
}

#[test]
fn misuse_says_what_to_write() {
    holds(&refusal(&[&own(CLEAN)]), &["no subcommand", "write 'callpath analyze "]);
    for args in [&["analyze"][..], &["frob"], &["analyze", "--format", "xml", "x"], &["classify"]] {
        let ran = callpath(args, b"");
        assert_eq!((ran.code, ran.text().as_str()), (2, ""), "{args:?}");
        holds(&ran.err, &["error: ", "--help"]);
    }
    let version = callpath(&["-V"], b"");
    assert_eq!((version.code, version.err.as_str()), (0, ""));
}
