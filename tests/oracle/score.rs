//! The score: how many captures and streams are equal, how many differences are explained by name. It goes to `target/fidelity`, which
//! `make fidelity` prints.

use super::cases::{Case, Compared, cases, known};
use super::{rtcp, sip, streams, stun};
use std::fmt::Write;
use std::path::Path;

/// A comparison by its name and the table that explains what differs.
type Comparison = (&'static str, &'static str, fn(&[Case]) -> Compared);

const COMPARISONS: [Comparison; 4] = [
    ("SIP messages, by capture", "message", sip::compare),
    ("RTP streams of 20 packets and more", "stream", streams::compare),
    ("RTCP reports, by capture", "rtcp", rtcp::compare),
    ("STUN messages, by capture", "stun", stun::compare),
];

/// One row. Shares are of what was compared.
fn row(name: &str, compared: &Compared, explained: usize) -> String {
    let (subjects, apart) = (compared.subjects, compared.differences.len());
    let share = |n: usize| 100.0 * n as f64 / subjects.max(1) as f64;
    let (equal, accounted) = (subjects - apart, subjects - apart + explained);
    let things = compared.things;
    format!("{name:<36}{things:>8}{subjects:>10}{equal:>7}{:>8.1}{explained:>11}{:>8.1}\n", share(equal), share(accounted))
}

#[test]
fn score_of_every_comparison_is_written() {
    let Some(cases) = cases() else { return };
    let (known, mut table) = (known(), String::new());
    let title = ["compared with tshark 4.0.17", "things", "compared", "equal", "%", "explained", "%"];
    let [name, things, subjects, equal, share, explained, accounted] = title;
    writeln!(table, "{name:<36}{things:>8}{subjects:>10}{equal:>7}{share:>8}{explained:>11}{accounted:>8}").unwrap();
    for (name, of, compare) in COMPARISONS {
        let compared = compare(cases);
        let explained = known.explained(&compared.differences);
        table += &row(name, &compared, explained);
        for (kind, n) in known.kinds(of) {
            writeln!(table, "{:<36}{n:>40}", format!("  {kind}")).unwrap();
        }
    }
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("fidelity"), table).unwrap();
}

#[test]
fn a_row_says_what_is_equal_and_what_is_explained() {
    let mut compared = Compared { subjects: 4, things: 30, ..Compared::default() };
    compared.differences.insert(("stun", "c1".to_owned(), String::new()), vec!["0x0001: 1 more".to_owned()]);
    let words = |explained| row("x", &compared, explained).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(1), ["x", "30", "4", "3", "75.0", "1", "100.0"]);
    assert_eq!(words(0), ["x", "30", "4", "3", "75.0", "0", "75.0"]);
}
