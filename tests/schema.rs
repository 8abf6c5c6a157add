//! `callpath schema` says what reports are: every report of every capture is held against it, and what it does not name is a fault.

use callpath::engine::par;
use callpath::report::jsonl::Jsonl;
use serde_json::Value;
use std::collections::BTreeSet;

#[path = "support/drive.rs"]
mod drive;
#[path = "support/known.rs"]
mod known;
#[path = "support/program.rs"]
mod program;
#[path = "support/skipped.rs"]
mod skipped;
#[path = "support/validator.rs"]
mod validator;

use drive::{drive, json};
use validator::Schema;

fn schema(args: &[&str]) -> Schema {
    let ran = program::callpath(&[&["schema"], args].concat(), b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    Schema::parse(&ran.text())
}

fn parsed(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("reports are JSON")
}

#[test]
fn every_report_keeps_to_the_schema() {
    let schema = schema(&[]);
    for given in known::all("schema") {
        let faults = schema.faults(&parsed(&json(&given, 2, 16_384)));
        assert!(faults.is_empty(), "{:?}\n{}", given.inputs, faults.join("\n"));
    }
}

#[test]
fn every_line_keeps_to_the_schema_of_lines() {
    let schema = schema(&["--format", "jsonl"]);
    for given in known::all("schema") {
        let lines = par::with_threads(2, || drive(&given, &Jsonl, 16_384)).report;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let faults = schema.faults(&parsed(line));
            assert!(faults.is_empty(), "{:?}\n{}", given.inputs, faults.join("\n"));
        }
    }
}

#[test]
fn a_report_of_nothing_keeps_to_it_too() {
    for (args, format) in [(&[][..], "json"), (&["--format", "jsonl"], "jsonl")] {
        let ran = program::callpath(&["analyze", "--format", format, "/nowhere/at/all"], b"");
        assert_eq!(schema(args).faults(&parsed(&ran.out)), Vec::<String>::new());
    }
}

#[test]
fn no_definition_is_left_over() {
    let unused = |args: &[&str]| schema(args).unused().into_iter().collect::<BTreeSet<_>>();
    let (report, lines) = (unused(&[]), unused(&["--format", "jsonl"]));
    assert_eq!(report.intersection(&lines).count(), 0, "{report:?} {lines:?}");
}

#[test]
fn a_member_more_or_less_and_a_wrong_word_are_faults() {
    let schema = schema(&[]);
    let given = &known::own()[0];
    let good = parsed(&json(given, 1, 16_384));
    for (pointer, value) in [("/calls/0/kind", "chat"), ("/inputs/0/records", "1"), ("/calls/0/started", "2026-01-15T09:20:00Z")] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect("the report has it") = Value::String(value.to_owned());
        assert_eq!(schema.faults(&bad).len(), 1, "{pointer}");
    }
    let mut more = good.clone();
    more["calls"][0]["fresh"] = Value::Null;
    let mut less = good;
    less["totals"].as_object_mut().expect("an object").remove("legs");
    assert_eq!((schema.faults(&more).len(), schema.faults(&less).len()), (1, 1));
}
