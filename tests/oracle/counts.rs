//! Records and SIP messages by number: the ledger against capinfos, the report's totals against tshark's table and its statistics.

use super::cases::{Compared, cases, known};
use super::tshark::Counts;
use serde_json::Value;
use std::collections::BTreeSet;

/// What differs between counts, one line a name.
fn uneven(ours: &Counts, theirs: &Counts) -> Vec<String> {
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let of = |counts: &Counts, name: &String| counts.get(name).copied().unwrap_or(0);
    let lines = names.into_iter().map(|name| (name, of(ours, name), of(theirs, name)));
    lines.filter(|(_, ours, theirs)| ours != theirs).map(|(name, ours, theirs)| format!("{name}: {ours} instead of {theirs}")).collect()
}

#[test]
fn every_record_of_every_capture_is_counted_once() {
    let Some(cases) = cases() else { return };
    for case in cases {
        let (report, id) = (&case.report, &case.capture.id);
        let sum = |name: &str| report["ledger"][name].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
        let packets = case.capture.packets();
        assert_eq!(sum("kinds") + sum("undecoded"), packets, "{id}");
        assert_eq!((&report["ledger"]["records"], &report["inputs"][0]["complete"]), (&packets.into(), &true.into()), "{id}");
    }
}

#[test]
fn sip_messages_are_as_many_as_tshark_counts() {
    let Some(cases) = cases() else { return };
    let (mut totals, mut statistics) = (Compared::default(), Compared::default());
    for case in cases {
        let ours: Counts = serde_json::from_value(case.report["totals"]["messages"].clone()).unwrap();
        let theirs = case.capture.messages();
        totals.note("sip", &case.capture, "", uneven(&ours, &theirs));
        statistics.note("statistics", &case.capture, "", uneven(&case.capture.statistics(), &theirs));
    }
    known().hold("sip", &totals.differences);
    known().hold("statistics", &statistics.differences);
}
