//! A report made by hand, for the tests of the writers: a broken Direct Routing call whose media comes back another way, a clean
//! call, and one whose every text is hostile.

use super::*;
use crate::finding::{Evidence, Violation};
use crate::time::Span;

/// 2026-11-20T13:53:00Z.
const START: Timestamp = Timestamp(1_795_182_780_000_000_000);
/// What strangers put into a display name.
pub const HOSTILE: &str = "Eve\u{1b}[2J\u{1b}]0;owned\u{7}\r\nVia: x\u{202e}lave\u{2066}\u{9b}31m\u{200b}";

/// Three calls and what is known of all of them.
pub fn sample() -> (Summary, Vec<CallReport<'static>>) {
    let calls = vec![broken(), clean(), hostile()];
    (summary(&calls), calls)
}

fn at(ms: i64) -> Timestamp {
    START + Span::millis(ms)
}

fn text(ms: i64) -> Option<Text<'static>> {
    Some(Text::time(at(ms)))
}

fn id(number: u64) -> RecordId {
    RecordId { input: 0, number }
}

fn row(number: u64, ms: i64, from: &str, to: &str, label: &str) -> LadderRow {
    let (from, to, label) = (from.to_owned(), to.to_owned(), label.to_owned());
    LadderRow { at: at(ms), record: id(number), from, to, label, retransmission: false, findings: Vec::new() }
}

fn finding(rule: &str, severity: Severity, message: &str, evidence: &[(u64, i64, &str)]) -> Finding {
    let evidence =
        evidence.iter().map(|(n, ms, line)| Evidence { id: id(*n), seq: Seq(*n), at: at(*ms), excerpt: (*line).to_owned() }).collect();
    let (subject, value) = ("198.51.100.4".to_owned(), "198.51.100.4:5061".to_owned());
    Finding {
        id: format!("{rule}-0badcafe"),
        rule: rule.to_owned(),
        violation: Violation { severity, subject, value, message: message.to_owned(), evidence },
        call: Some("a1b2c3d4e5f6".to_owned()),
        filter: "sip.Call-ID == \"one@sbc\"".to_owned(),
    }
}

fn stream(src: &'static str, dst: &'static str, packets: u64, lost: i64, segment: &'static str) -> StreamEntry<'static> {
    StreamEntry {
        id: format!("{packets:012x}").into(),
        call: Some("a1b2c3d4e5f6".into()),
        src: src.into(),
        dst: dst.into(),
        ssrc: Text::hex(0xBEEF),
        payload_types: vec![8, 101],
        codec: Some("PCMA".into()),
        clock_rate: Some(8000),
        secured: true,
        srtp: Some(SrtpEntry { suite: Some("AES_CM_128_HMAC_SHA1_80".to_owned()), verified: 4, failed: 0, rekeyed: true }),
        packets,
        expected: packets + lost.unsigned_abs(),
        lost,
        loss_percent: Decimal::ratio(i128::from(lost) * 100, i128::from(packets) + i128::from(lost)),
        jitter_ms: MeanMax { mean: Some(Decimal(1_250)), max: Some(Decimal(3_400)) },
        delta_ms: MinMeanMax { min: Some(Decimal(19_000)), mean: Some(Decimal(20_000)), max: Some(Decimal(41_000)) },
        mos: Some(Decimal(412)),
        mos_min: Some(Decimal(398)),
        mos_basis: "G.107: Ie 0".into(),
        intervals: vec![IntervalEntry { from: Text::time(at(1_500)), seconds: 10, packets, lost, ..IntervalEntry::default() }],
        dtmf: Some(vec![DigitEntry {
            digit: "5".to_owned(),
            at: Text::time(at(2_000)),
            duration_ms: Decimal(100_000),
            volume: 10,
            record: id(12),
        }]),
        events: EventsEntry { longest_gap_ms: Some(Decimal(41_000)), longest_gap_record: Some(id(13)), ..EventsEntry::default() },
        dscp: 46,
        first: Text::time(at(1_500)),
        last: Text::time(at(11_500)),
        segment: segment.into(),
        basis: "link er-primary: VLAN 1201".into(),
        taps: vec![StreamTapEntry {
            tap: 0,
            ttl: 58,
            packets,
            lost,
            located: None,
            delay_ms: None,
            tunnels: vec!["mpls label 16".to_owned()],
        }],
        rtcp: Some(rtcp(lost)),
        relay: Some(relay()),
        ..StreamEntry::default()
    }
}

fn rtcp(lost: i64) -> RtcpEntry {
    let mos = |tenths| Some(Decimal::ratio(tenths, 10));
    RtcpEntry {
        reports: 2,
        lost: Some(lost),
        fraction_max_percent: Some(Decimal(39)),
        jitter_ms: MeanMax { mean: Some(Decimal(2_000)), max: Some(Decimal(3_125)) },
        rtt_ms: round_trip(),
        sent: Some(500),
        cname: Some(format!("{HOSTILE}@198.51.100.5")),
        unread: 0,
        voip: Some(VoipEntry { r_factor: Some(93), mos_lq: mos(41), mos_cq: mos(40), ..VoipEntry::default() }),
    }
}

fn round_trip() -> MinMeanMax {
    MinMeanMax { min: Some(Decimal(28_500)), mean: Some(Decimal(30_000)), max: Some(Decimal(31_500)) }
}

fn relay() -> RelayEntry {
    RelayEntry { server: Some("52.112.10.20:3478".to_owned()), peer: Some("192.0.2.9:50000".to_owned()), channel: Some(0x4001) }
}

fn check() -> IceEntry {
    let (local, remote) = ("198.51.100.5:4000".to_owned(), "52.112.10.20:49200".to_owned());
    IceEntry { local, remote, nominated: true, checks: 4, successes: 4, rtt_ms: round_trip(), relay: Some(relay()) }
}

fn way(segment: &'static str, basis: &'static str, packets: u64) -> WayEntry<'static> {
    WayEntry { segment: segment.into(), basis: basis.into(), packets, bytes: packets * 172 }
}

fn hop(
    kind: &'static str,
    ends: [(&'static str, &'static str); 2],
    ways: [WayEntry<'static>; 2],
    verdict: &'static str,
    evidence: &[&str],
) -> HopEntry<'static> {
    let [a, b] = ends.map(|(ip, place)| EndEntry { ip: ip.into(), place: place.into() });
    let [a_to_b, b_to_a] = ways;
    let evidence = evidence.iter().map(|line| (*line).to_owned()).collect();
    let asymmetric = AsymmetricEntry { verdict: verdict.into(), evidence };
    HopEntry {
        id: format!("{kind}-{}", a.ip).into(),
        call: Some("a1b2c3d4e5f6".into()),
        kind: kind.into(),
        a,
        b,
        a_to_b,
        b_to_a,
        asymmetric,
        tls: Vec::new(),
    }
}

fn leg(call_id: &'static str, ends: [&'static str; 2], status: u16, reason: &'static str) -> LegEntry<'static> {
    let [a, b] = ends.map(Text::from);
    LegEntry {
        call_id: Some(call_id.into()),
        from: Some("sip:+15551230001@sbc.contoso.com".into()),
        to: Some("sip:+15551230002@sip.pstnhub.microsoft.com".into()),
        transport: Some("tls".into()),
        a,
        b,
        side: "microsoft".into(),
        requests: 3,
        responses: 3,
        retransmissions: 1,
        status: Some(status),
        reason: Some(reason.into()),
        setup_ms: Some(Decimal(140_000)),
        ..LegEntry::default()
    }
}

fn broken() -> CallReport<'static> {
    let (sbc, ms) = ("198.51.100.4:41000", "52.114.75.24:5061");
    let (here, there) = ("198.51.100.5:4000", "52.112.10.20:49200");
    let contact = finding(
        "DR001-contact-ip",
        Severity::Error,
        "the SBC gives its address 198.51.100.4 as Contact host instead of its paired name",
        &[(1, 0, "Contact: <sip:198.51.100.4:5061;transport=tls>"), (3, 140, "SIP/2.0 183 Session Progress")],
    );
    let path = finding(
        "DR170-asymmetric-path",
        Severity::Warning,
        "media leaves over ExpressRoute and returns over the Internet",
        &[(9, 1_500, "198.51.100.5:4000 > 52.112.10.20:49200")],
    );
    let mut ladder = vec![
        row(1, 0, sbc, ms, "INVITE"),
        row(2, 500, sbc, ms, "INVITE"),
        row(3, 540, ms, sbc, "100 Trying"),
        row(4, 640, ms, sbc, "183 Session Progress"),
        row(5, 700, there, here, "RTP PCMA 40 packets"),
        row(6, 1_400, ms, sbc, "200 OK"),
        row(7, 1_450, sbc, ms, "ACK"),
        row(9, 1_500, here, there, "RTP PCMA 500 packets"),
        row(1030, 11_600, sbc, ms, "BYE"),
        row(1031, 11_640, ms, sbc, "200 OK"),
    ];
    ladder[1].retransmission = true;
    ladder[0].findings.push(contact.id.clone());
    ladder[7].findings.push(path.id.clone());
    let call = CallEntry {
        id: "a1b2c3d4e5f6".into(),
        ice: vec![check()],
        kind: "call".into(),
        outcome: Some("answered".into()),
        started: Text::time(at(0)),
        answered: text(1_400),
        ended: text(11_640),
        caller: Some("+15551230001".into()),
        callee: Some("+15551230002".into()),
        legs: vec![leg("f81d4fae-7dec-11d0-a765-00a0c91e6bf6@sbc.contoso.com", [sbc, ms], 200, "OK")],
        fax: vec!["T.38 between 198.51.100.5:4000 and 52.112.0.9:49200".to_owned()],
        findings: vec![contact.id.clone().into(), path.id.clone().into()],
        ..CallEntry::default()
    };
    let inet = "link inet-1: interface eth3";
    let hops = vec![
        (
            Seq(0),
            hop(
                "signalling",
                [("52.114.75.24", "microsoft"), ("198.51.100.4", "your_network")],
                [way("internet", inet, 6), way("internet", inet, 5)],
                "no",
                &["both directions seen on link inet-1"],
            ),
        ),
        (
            Seq(8),
            hop(
                "media",
                [("198.51.100.5", "your_network"), ("52.112.10.20", "microsoft")],
                [way("expressroute", "link er-primary: interface eth2, VLAN 1201", 500), way("internet", inet, 498)],
                "confirmed",
                &["500 packets out on expressroute, 498 back on internet, in the same windows"],
            ),
        ),
    ];
    let streams = vec![(Seq(8), stream(here, there, 500, 2, "expressroute")), (Seq(5), stream(there, here, 498, 0, "internet"))];
    CallReport {
        first: Seq(0),
        call: Some(call),
        streams,
        hops,
        findings: vec![contact, path].into(),
        scenario: None,
        ladder,
        survey: None,
    }
}

fn clean() -> CallReport<'static> {
    let (a, b) = ("10.1.1.10:5060", "10.1.1.20:5060");
    let call = CallEntry {
        id: "0123456789ab".into(),
        kind: "call".into(),
        outcome: Some("rejected".into()),
        started: Text::time(at(20_000)),
        ended: text(20_400),
        caller: Some("李小龙".into()),
        callee: Some("bob.with.a.rather.long.user.name@example.com".into()),
        legs: vec![leg("two@10.1.1.10", [a, b], 486, "Busy Here")],
        ..CallEntry::default()
    };
    let hops = vec![(
        Seq(2_000),
        hop(
            "signalling",
            [("10.1.1.10", "your_network"), ("10.1.1.20", "your_network")],
            [way("local", "both private", 2), way("local", "both private", 1)],
            "cannot_tell",
            &["both ends are in your network"],
        ),
    )];
    let ladder = vec![row(2001, 20_000, a, b, "INVITE"), row(2002, 20_400, b, a, "486 Busy Here"), row(2003, 20_410, a, b, "ACK")];
    CallReport { first: Seq(2_000), call: Some(call), hops, ladder, ..CallReport::default() }
}

fn hostile() -> CallReport<'static> {
    let mut report = clean();
    report.first = Seq(3_000);
    let mut bad = finding("DR010-number-plus", Severity::Error, HOSTILE, &[(3001, 30_000, HOSTILE)]);
    bad.call = Some("ba0ba0ba0ba0".to_owned());
    bad.filter = HOSTILE.to_owned();
    if let Some(call) = &mut report.call {
        call.id = "ba0ba0ba0ba0".into();
        (call.caller, call.callee) = (Some(HOSTILE.into()), Some(HOSTILE.into()));
        call.started = Text::time(at(30_000));
        call.ended = text(30_400);
        for leg in &mut call.legs {
            (leg.call_id, leg.reason, leg.joined_by) = (Some(HOSTILE.into()), Some(HOSTILE.into()), Some(HOSTILE.into()));
            leg.transport = Some(HOSTILE.into());
        }
    }
    for row in &mut report.ladder {
        row.label = HOSTILE.to_owned();
        row.at = row.at + Span::secs(10);
        row.findings.push(bad.id.clone());
    }
    for (_, hop) in &mut report.hops {
        hop.a_to_b.basis = HOSTILE.into();
        hop.asymmetric.evidence = vec![HOSTILE.to_owned()].into();
        hop.b.ip = "2001:db8:85a3:8d3:1319:8a2e:370:7348".into();
    }
    report.findings.to_mut().push(bad);
    report
}

fn summary(calls: &[CallReport<'_>]) -> Summary {
    let mut summary = Summary { inputs: inputs(), ledger: ledger(), ..Summary::default() };
    summary.taps = vec![TapEntry { id: 0, inputs: vec![0], interface: Some("eth2".to_owned()), vlan: vec![1201], encapsulation: None }];
    summary.notes = vec!["Microsoft prefixes as of 2026-06-06".to_owned(), format!("interface {HOSTILE} dropped 7 packets")];
    summary.waivers =
        vec![WaiverEntry { rule: "DR013".to_owned(), subject: HOSTILE.to_owned(), reason: HOSTILE.to_owned(), ..WaiverEntry::default() }];
    for finding in calls.iter().flat_map(|call| call.findings.iter()) {
        summary.findings.push(grouped(finding));
        summary.totals.findings.count(finding.violation.severity);
    }
    let check = |violated, clean, not_checked, reasons: &[&str]| CheckEntry {
        violated,
        clean,
        not_checked,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    summary.checks = BTreeMap::from([
        ("DR001-contact-ip".to_owned(), check(1, 0, 0, &[])),
        ("DR002-record-route-ip".to_owned(), check(0, 1, 0, &[])),
        ("DR010-number-plus".to_owned(), check(1, 0, 0, &[])),
        (
            "DR070-invite-timeout".to_owned(),
            check(0, 0, 3, &["SIP is encrypted and no key was given", "the capture begins inside the call and ends before it does"]),
        ),
        ("DR011-silent".to_owned(), check(0, 0, 0, &[])),
        ("DR170-asymmetric-path".to_owned(), check(1, 0, 2, &["no link with segment expressroute in the topology"])),
    ]);
    summary.totals.calls = calls.len() as u64;
    summary.totals.legs = 3;
    summary.totals.streams = 2;
    summary.totals.messages = [("INVITE", 4), ("ACK", 3), ("BYE", 1), ("100", 1), ("183", 1), ("200", 2), ("486", 2)]
        .map(|(name, n)| (name.to_owned(), n))
        .into();
    summary.totals.message_copies = 1;
    summary.totals.segments = vec![SegmentEntry::sample(round_trip())];
    summary
}

fn inputs() -> Vec<InputEntry> {
    let whole = InputEntry {
        path: "er-tap.pcapng".to_owned(),
        format: Some("pcapng".to_owned()),
        compression: Some("gzip".to_owned()),
        records: 1_812,
        bytes: 1_234_567,
        first: Some(at(0).rfc3339()),
        last: Some(at(31_000).rfc3339()),
        complete: true,
        problem: None,
    };
    let mut cut =
        InputEntry { path: "inet\u{1b}[31m.pcap".to_owned(), format: Some("pcap".to_owned()), compression: None, ..whole.clone() };
    (cut.complete, cut.problem) = (false, Some("ends inside record 402 at byte 61234: copy the file again".to_owned()));
    vec![whole, cut]
}

fn ledger() -> LedgerEntry {
    let kinds = [("sip", 14), ("rtp", 1_000), ("tcp", 70), ("non_ip", 3)].map(|(kind, n)| (kind.to_owned(), n)).into();
    let undecoded = [("mpls: not decoded yet", 10), ("ipv4: header is cut", 2)].map(|(why, n)| (why.to_owned(), n)).into();
    LedgerEntry { records: 1_099, kinds, undecoded, duplicates: 4, evicted: 1 }
}

fn grouped(finding: &Finding) -> FindingEntry {
    let violation = finding.violation.clone();
    let evidence = violation.evidence.iter().map(|e| EvidenceEntry {
        input: e.id.input,
        number: e.id.number,
        time: e.at.rfc3339(),
        excerpt: e.excerpt.clone(),
    });
    FindingEntry {
        id: finding.id.clone(),
        rule: finding.rule.clone(),
        severity: violation.severity,
        title: "IP literal as Contact host".to_owned(),
        message: violation.message.clone(),
        subject: violation.subject,
        value: violation.value,
        call: finding.call.clone(),
        calls: 1,
        count: 1,
        records: violation.evidence.iter().map(|e| e.id).collect(),
        evidence: evidence.collect(),
        remedy: "Set the advertised host of the Teams interface to the paired name; add a message manipulation where the stack inserts its bind address.".to_owned(),
        sources: vec!["Direct Routing, SIP protocol: Contact header".to_owned(), "RFC 3261 section 8.1.1.8".to_owned()],
        filter: finding.filter.clone(),
    }
}
