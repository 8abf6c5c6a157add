//! The terminal report as text. `UPDATE=1 cargo test` rewrites the expected files; read the diff.

use super::*;
use crate::record::RecordId;
use crate::report::{AsymmetricEntry, CallEntry, Decimal, EndEntry, HopEntry, LadderRow, Text, WayEntry, json::written, sample::sample};
use crate::time::{Span, Timestamp};

fn report(terminal: &Terminal) -> String {
    let (summary, calls) = sample();
    String::from_utf8(written(terminal, &calls, &summary)).unwrap()
}

/// The text without what colours it.
fn colourless(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn expect(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/terminal/expected").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} differs; UPDATE=1 rewrites it. Now:\n{text}");
}

#[test]
fn the_report_is_as_expected_at_three_widths() {
    for width in [80, 100, 140] {
        expect(&format!("{width}.txt"), &report(&Terminal::new(width, false, 0, false)));
    }
}

#[test]
fn quiet_is_verdict_what_was_not_read_and_findings_and_verbose_adds_the_rest() {
    expect("quiet.txt", &report(&Terminal::new(100, false, 0, true)));
    expect("verbose.txt", &report(&Terminal::new(100, false, 1, false)));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [MIN_WIDTH, 72, 80, 100, 140, 250] {
        for line in report(&Terminal::new(width, false, 1, false)).lines() {
            assert!(width::of(line) <= usize::from(width), "{width}: {line}");
        }
    }
}

#[test]
fn a_table_over_two_days_fits_the_narrowest_terminal() {
    let (summary, mut calls) = sample();
    if let Some(call) = &mut calls[1].call {
        (call.started, call.ended) = (Text::time(Timestamp(0)), None);
    }
    let text = String::from_utf8(written(&Terminal::new(MIN_WIDTH, false, 0, false), &calls, &summary)).unwrap();
    assert!(text.contains("11-20 13:53") && text.contains("01-01 00:00"), "{text}");
    assert!(text.lines().all(|line| width::of(line) <= usize::from(MIN_WIDTH)), "{text}");
}

#[test]
fn a_filter_is_never_broken_inside_a_word() {
    let (mut summary, calls) = sample();
    let filter = format!("sip.Call-ID=={}", "x".repeat(200));
    summary.findings[0].filter = filter.clone();
    let text = String::from_utf8(written(&Terminal::new(80, false, 0, false), &calls, &summary)).unwrap();
    assert!(text.contains(&filter));
}

#[test]
fn nothing_captured_controls_the_terminal() {
    for (color, quiet) in [(false, false), (false, true), (true, false)] {
        let text = report(&Terminal::new(100, color, 1, quiet));
        let text = if color { colourless(&text) } else { text };
        let passed = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2066}\u{200b}".contains(c));
        assert_eq!(text.chars().find(|c| passed(*c)), None);
        assert!(text.contains("Eve\\x1B[2J"));
    }
}

#[test]
fn colour_changes_no_text() {
    let plain = report(&Terminal::new(100, false, 0, false));
    let coloured = report(&Terminal::new(100, true, 0, false));
    assert_ne!(plain, coloured);
    let trimmed: Vec<String> = colourless(&coloured).lines().map(|line| line.trim_end().to_owned()).collect();
    assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
}

fn many(n: u64, marked: bool) -> Vec<CallReport<'static>> {
    let (_, calls) = sample();
    (0..n)
        .map(|i| {
            let call = CallEntry {
                id: format!("{i:012x}").into(),
                started: Text::time(Timestamp(0)),
                kind: "call".into(),
                ..CallEntry::default()
            };
            let findings = if marked { calls[0].findings.clone() } else { [].as_slice().into() };
            CallReport { first: Seq(i), call: Some(call), ladder: calls[0].ladder.clone(), findings, ..CallReport::default() }
        })
        .collect()
}

fn text(terminal: &Terminal, calls: &[CallReport<'_>]) -> String {
    String::from_utf8(written(terminal, calls, &Summary::default())).unwrap()
}

#[test]
fn many_calls_are_cut_and_the_report_says_so() {
    let text = text(&Terminal::new(100, false, 0, false), &many(500, true));
    assert_eq!(text.matches("\nCall #").count(), Limits::USUAL.ladders);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for left in [
        "400 more calls, 400 of them with findings, left out; --limit 0 shows all, --format json has everything",
        "480 more ladders of calls with findings left out",
    ] {
        assert!(words.contains(left), "{text}");
    }
    assert!(text.contains("\nCall #20  000000000013\n"), "{text}");
}

#[test]
fn the_worst_calls_are_shown_in_order_of_time_with_their_numbers() {
    let (_, sample) = sample();
    let mut calls = many(500, false);
    for i in [77, 490, 3] {
        calls[i].findings = sample[0].findings.clone();
    }
    let limited = |n| Terminal::new(100, false, 0, false).limited(Limits::of(Some(n)));
    let numbers = |text: &str| -> Vec<String> {
        let table = text.split("\nCalls ").nth(1).unwrap().split("\n\n").next().unwrap();
        table
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter(|word| word.parse::<u32>().is_ok())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(numbers(&text(&limited(5), &calls)), ["1", "2", "4", "78", "491"]);
    assert_eq!(numbers(&text(&limited(2), &calls)), ["4", "78"]);
    assert!(text(&limited(2), &calls).contains("498 more calls, 1 of them with findings, left out"));
    assert!(text(&limited(4), &calls).contains("496 more calls without findings left out"));
    assert_eq!(numbers(&text(&limited(0), &calls)).len(), 500);
    calls.reverse();
    assert_eq!(numbers(&text(&limited(5), &calls)), ["1", "2", "4", "78", "491"]);
}

#[test]
fn no_limit_shows_every_ladder_and_a_small_one_few_findings() {
    let all = Terminal::new(100, false, 0, false).limited(Limits::of(Some(0)));
    assert_eq!(text(&all, &many(150, true)).matches("\nCall #").count(), 150);
    let (summary, calls) = sample();
    let one = Terminal::new(100, false, 0, false).limited(Limits::of(Some(1)));
    let cut = String::from_utf8(written(&one, &calls, &summary)).unwrap();
    assert!(summary.findings.len() > 1 && cut.contains(&format!("{} more findings left out", summary.findings.len() - 1)), "{cut}");
}

#[test]
fn asymmetric_hops_are_shown_however_late_and_however_many_there_are() {
    let end = |n: u64| EndEntry { ip: format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255).into(), place: "internet".into() };
    let hop = |n: u64, verdict: &'static str| {
        let asymmetric = AsymmetricEntry { verdict: verdict.into(), ..AsymmetricEntry::default() };
        let hop = HopEntry { kind: "media".into(), a: end(n), b: end(n + 1), asymmetric, ..HopEntry::default() };
        CallReport { first: Seq(n), hops: vec![(Seq(n), hop)], ..CallReport::default() }
    };
    let mut calls: Vec<CallReport<'_>> = (0..6_000).map(|n| hop(n, "no")).collect();
    calls.push(hop(6_000, "confirmed"));
    let text = text(&Terminal::new(100, false, 0, false), &calls);
    let hops = text.split("\nHops").nth(1).unwrap();
    assert!(hops.lines().nth(1).unwrap().contains("10.0.23.112 (internet)"), "{hops}");
    assert!(hops.contains("5971 more hops left out"), "{hops}");
}

#[test]
fn clean_calls_have_ladders_when_they_are_few_or_with_v() {
    let ladders = |n, verbose| {
        let text = written(&Terminal::new(100, false, verbose, false), &many(n, false), &Summary::default());
        String::from_utf8(text).unwrap().matches("\nCall #").count()
    };
    assert_eq!((ladders(3, 0), ladders(4, 0), ladders(4, 1), ladders(500, 1)), (3, 0, 4, Limits::USUAL.ladders));
}

fn laddered(rows: &[(&str, &str, &str)]) -> String {
    let row = |(i, (from, to, label)): (usize, &(&str, &str, &str))| LadderRow {
        at: Timestamp(0) + Span::millis(i as i64 * 10),
        record: RecordId { input: 0, number: i as u64 + 1 },
        from: (*from).to_owned(),
        to: (*to).to_owned(),
        label: (*label).to_owned(),
        retransmission: false,
        findings: Vec::new(),
    };
    let report = CallReport { ladder: rows.iter().enumerate().map(row).collect(), ..CallReport::default() };
    String::from_utf8(section::draw(&report, Pen { width: 80, color: false })).unwrap()
}

#[test]
fn a_call_on_loopback_has_a_column_a_port() {
    let text = laddered(&[("127.0.0.1:5060", "127.0.0.1:5070", "INVITE"), ("127.0.0.1:5070", "127.0.0.1:5060", "200 OK")]);
    assert_eq!(
        text,
        "rec   time   delta  127.0.0.1:5060                     127.0.0.1:5070
0:1  0.000          │─────────────────── INVITE ───────────────────>│
0:2  0.010  +0.010  │<─────────────────── 200 OK ───────────────────│
"
    );
}

#[test]
fn a_message_to_the_own_address_stands_beside_its_lifeline() {
    let text = laddered(&[
        ("10.0.0.1:5060", "10.0.0.2:5060", "INVITE"),
        ("10.0.0.2:5060", "10.0.0.2:5080", "INVITE"),
        ("10.0.0.1:5060", "10.0.0.1:5080", "OPTIONS"),
    ]);
    assert_eq!(
        text,
        "rec   time   delta  10.0.0.1                                 10.0.0.2
0:1  0.000          │─────────────────── INVITE ───────────────────>│
0:2  0.010  +0.010  │                                       INVITE ┘│
0:3  0.020  +0.010  │└ OPTIONS                                      │
"
    );
}

#[test]
fn addresses_too_long_for_a_column_get_letters() {
    let text = laddered(&[
        ("[2001:db8::1]:5060", "10.0.0.2:5060", "INVITE"),
        ("10.0.0.2:5060", "[2001:db8:1111:2222:3333:4444:5555:6666]:5060", "INVITE"),
    ]);
    assert!(text.starts_with("A  2001:db8::1\nB  10.0.0.2\nC  2001:db8:1111:2222:3333:4444:5555:6666\n"), "{text}");
}

#[test]
fn too_many_addresses_become_a_list() {
    let rows: Vec<(String, String)> = (0..9).map(|i| (format!("10.0.0.{i}:5060"), format!("10.0.0.{}:5060", i + 1))).collect();
    let rows: Vec<(&str, &str, &str)> = rows.iter().map(|(from, to)| (from.as_str(), to.as_str(), "INVITE")).collect();
    assert!(laddered(&rows).contains("0:9  0.080  +0.010  10.0.0.8:5060 > 10.0.0.9:5060: INVITE\n"));
}

#[test]
fn a_long_ladder_keeps_beginning_end_and_rows_with_findings() {
    let mut call = many(1, true).remove(0);
    let row = call.ladder[2].clone();
    call.ladder = (0..500).map(|i| LadderRow { record: RecordId { input: 0, number: i + 1 }, ..row.clone() }).collect();
    call.ladder[250].findings = vec![call.findings[0].id.clone()];
    let text = String::from_utf8(section::draw(&call, Pen { width: 80, color: false })).unwrap();
    assert!(text.contains("… 210 rows left out …") && text.contains("… 239 rows left out …"), "{text}");
    assert!(text.contains("0:251") && text.contains("! DR001") && text.contains("0:500"), "{text}");
}

#[test]
fn an_unread_input_is_never_a_clean_report() {
    let (mut summary, _) = sample();
    summary.findings.clear();
    summary.totals.findings = Default::default();
    summary.totals.calls = 0;
    let text = String::from_utf8(written(&Terminal::new(140, false, 0, true), &[], &summary)).unwrap();
    let verdict =
        "no findings in 1099 records without a call; 1 input incomplete; 12 records not decoded; 1 rule could not be checked\n\nNot read\n";
    assert!(text.starts_with(verdict) && text.contains("copy the file again"), "{text}");
}

#[test]
fn loss_of_a_call_is_that_of_its_worst_stream() {
    let (_, calls) = sample();
    let mut call = calls[0].clone();
    call.streams[1].1.loss_percent = Decimal(1234);
    let text = String::from_utf8(written(&Terminal::new(140, false, 0, false), &[call], &Summary::default())).unwrap();
    assert!(text.contains("12.34"), "{text}");
}

#[test]
fn calls_set_up_either_way_share_a_hop() {
    let way = |packets, basis: &'static str| WayEntry { segment: "unknown".into(), basis: basis.into(), packets, bytes: 0 };
    let end = |ip: &'static str| EndEntry { ip: ip.into(), place: "internet".into() };
    let call = |seq, [a, b]: [&'static str; 2], [a_to_b, b_to_a]: [WayEntry<'static>; 2]| {
        let hop = HopEntry { kind: "media".into(), call: Some("".into()), a: end(a), b: end(b), a_to_b, b_to_a, ..HopEntry::default() };
        CallReport { first: Seq(seq), hops: vec![(Seq(seq), hop)], ..CallReport::default() }
    };
    let calls = [
        call(0, ["192.0.2.1", "192.0.2.2"], [way(5, "seen"), way(0, "no packet seen")]),
        call(1, ["192.0.2.2", "192.0.2.1"], [way(7, "seen back"), way(2, "seen")]),
    ];
    let text = String::from_utf8(written(&Terminal::new(100, false, 0, false), &calls, &Summary::default())).unwrap();
    assert!(text.contains("192.0.2.1 (internet) to 192.0.2.2 (internet), 2 calls\n"), "{text}");
    assert!(text.contains("→ unknown  7 packets: seen\n") && text.contains("← unknown  7 packets: seen back\n"), "{text}");
}

#[test]
fn titles_stand_over_their_columns_on_a_ladder_of_one_row() {
    let (_, mut calls) = sample();
    calls[0].ladder.truncate(1);
    let text = String::from_utf8(written(&Terminal::new(140, false, 1, false), &calls[..1], &Summary::default())).unwrap();
    let title = text.lines().find(|line| line.contains("delta")).unwrap();
    assert!(title.contains("delta  "), "{title}");
}

#[test]
fn a_call_that_begins_after_its_invite_says_so() {
    let call = CallEntry { kind: "call".into(), started: Text::time(Timestamp(0)), ..CallEntry::default() };
    assert_eq!(calls::outcome(&call), "set-up not seen");
}

#[test]
fn a_calls_scenario_stands_above_its_ladder() {
    let call = CallReport { scenario: Some("TD1/TD2: match".to_owned()), ..CallReport::default() };
    let text = String::from_utf8(section::draw(&call, Pen { width: 80, color: false })).unwrap();
    assert!(text.starts_with("expected    TD1/TD2: match\n"), "{text}");
}
