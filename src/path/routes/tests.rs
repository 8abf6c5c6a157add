//! What flows show together, and that it does not matter in what parts it is gathered.

use super::super::support::*;
use super::*;
use crate::decode::{MacPair, TapId, TunnelsId};
use crate::path::observe::observe;
use crate::record::{RecordId, Seq, SourceId};
use crate::time::{Span, Timestamp};
use crate::topology::Segment;
use std::collections::BTreeSet;

fn first(seq: u64) -> Seen {
    Seen {
        id: RecordId { input: 0, number: seq + 1 },
        seq: Seq(seq),
        at: START,
        tap: TapId(0),
        source: SourceId(0),
        tunnels: TunnelsId(0),
        ttl: 64,
        dscp: 0,
        macs: MacPair::default(),
    }
}

/// A flow of the SBC with a host of Microsoft's, as it was seen.
struct Case<'a> {
    remote: &'a str,
    out: Vec<Sighting<'a>>,
    back: Vec<Sighting<'a>>,
    answers: [bool; 2],
    marks: Vec<(u32, Marks)>,
    by_you: Option<bool>,
}

fn case<'a>(out: &[Sighting<'a>], back: &[Sighting<'a>]) -> Case<'a> {
    Case { remote: PROXY, out: out.to_vec(), back: back.to_vec(), answers: [false; 2], marks: Vec::new(), by_you: None }
}

fn add(routes: &mut Routes, topology: &Topology, seq: u64, case: &Case<'_>) {
    let (remote, none) = (ip(case.remote), BTreeSet::new());
    let place = topology.place(remote, START);
    let flow = Flow {
        kind: HopKind::Signalling,
        inside: ip(SBC),
        remote,
        net: place.net.filter(|_| place.place == Place::Microsoft),
        out: observe(topology, &case.out, Heading::Outbound, &none),
        back: observe(topology, &case.back, Heading::Inbound, &none),
        answers: case.answers,
        marks: &case.marks,
        opened_by_you: case.by_you,
        first: first(seq),
    };
    routes.taps.add(&flow);
    if flow.net.is_some() {
        routes.one_ways.add(&flow);
        routes.changes.add(&flow);
        routes.opened.add(&flow);
    }
}

/// All cases as one run, after which the same in two halves must be the same.
fn run(cases: &[Case<'_>]) -> (Routes, Topology) {
    let topology = topology(&[EDGE]);
    let mut whole = Routes::default();
    cases.iter().enumerate().for_each(|(seq, case)| add(&mut whole, &topology, seq as u64, case));
    for cut in 0..cases.len() {
        let mut halves = [Routes::default(), Routes::default()];
        for (seq, case) in cases.iter().enumerate() {
            add(&mut halves[usize::from(seq >= cut)], &topology, seq as u64, case);
        }
        let [mut one, other] = halves;
        one.merge(other);
        assert_eq!(one, whole, "cut at {cut}");
    }
    (whole, topology)
}

fn switches<'a>(at: f64) -> Case<'a> {
    let [out, back] = [0.0, 0.3].map(|later| [seen("er", 0.0, at + later, 500), seen("isp", at + later + 0.1, 60.0, 500)]);
    case(&out, &back)
}

#[test]
fn many_flows_that_change_at_once_are_one_event() {
    let stays = || case(&[seen("er", 0.0, 60.0, 900)], &[seen("er", 0.0, 60.0, 900)]);
    let mut cases: Vec<Case<'_>> = [30.0, 31.0, 33.9].map(switches).into();
    cases.extend((0..12).map(|_| stays()));
    let (routes, _) = run(&cases);
    let events = routes.events();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!((event.change, event.flows, event.active), ((Segment::Expressroute, Segment::Internet), 3, 15));
    assert_eq!(event.at, START + Span(30_100_000_000));
    cases.push(stays());
    assert_eq!(run(&cases).0.events(), [], "three of sixteen are fewer than one in five");
}

#[test]
fn changes_of_few_or_far_apart_are_no_event() {
    assert_eq!(run(&[switches(30.0), switches(31.0)]).0.events(), []);
    assert_eq!(run(&[switches(10.0), switches(25.0), switches(40.0)]).0.events(), []);
}

#[test]
fn unanswered_flows_say_something_where_others_are_seen_both_ways() {
    let unanswered = || Case { answers: [true, false], ..case(&[seen("isp", 0.0, 9.0, 9)], &[]) };
    let both = || Case { remote: "52.122.0.9", ..case(&[seen("isp", 0.0, 9.0, 9)], &[seen("isp", 0.0, 9.0, 9)]) };
    let one = || Case { remote: "52.122.0.9", ..case(&[seen("isp", 0.0, 9.0, 9)], &[]) };
    let found = |cases: &[Case<'_>]| {
        let (routes, topology) = run(cases);
        routes.one_ways(&topology)
    };
    assert_eq!(found(&[unanswered(), both(), both()]), [], "two other flows are too few");
    let told = found(&[unanswered(), unanswered(), both(), both(), both(), both(), one()]);
    assert_eq!((told.len(), told[0].flows, told[0].pair), (1, 2, (Segment::Internet, Segment::Expressroute)));
    assert!(told[0].text.contains("4 of 5 other flows are seen there both ways (M6)"), "{}", told[0].text);
    assert_eq!(found(&[unanswered(), both(), both(), both(), one()]), [], "three of four are fewer than four in five");
    let tapped = Case { remote: "52.122.0.9", ..case(&[seen("er", 0.0, 9.0, 9)], &[]) };
    assert_eq!(found(&[unanswered(), both(), both(), both(), tapped]), [], "the other segment is tapped, and shows nothing of them");
}

#[test]
fn marks_count_where_the_internet_keeps_none() {
    let lan = seen("lan", 0.0, 9.0, 9);
    let marked = || Case { marks: vec![(lan.tap_id, Marks { marked: 9, plain: 0 })], ..case(&[seen("isp", 0.0, 9.0, 9)], &[lan]) };
    let other = |marked, plain| Case { remote: "192.0.2.77", marks: vec![(lan.tap_id, Marks { marked, plain })], ..case(&[], &[lan]) };
    let found = |cases: &[Case<'_>]| {
        let (routes, topology) = run(cases);
        routes.one_ways(&topology).into_iter().map(|one| one.text).collect::<Vec<_>>()
    };
    assert_eq!(
        found(&[marked(), other(0, 50)]),
        ["9 packets come back with a code point, which none of 50 packets from the Internet keeps (M10)"]
    );
    assert_eq!(found(&[marked(), other(0, 49)]), [""; 0]);
    assert_eq!(found(&[marked(), other(1, 900)]), [""; 0]);
    assert_eq!(found(&[marked()]), [""; 0]);
}

#[test]
fn sides_that_open_over_different_segments_are_told_apart() {
    let over = |link, by_you| Case { by_you: Some(by_you), ..case(&[seen(link, 0.0, 9.0, 9)], &[seen(link, 0.0, 9.0, 9)]) };
    let found = run(&[over("er", true), over("er", true), over("isp", false)]).0.apart();
    assert_eq!((found.len(), found[0].over, found[0].connections), (1, (Segment::Expressroute, Segment::Internet), (2, 1)));
    assert_eq!(run(&[over("er", true), over("er2", false)]).0.apart(), [], "two links of one segment");
    assert_eq!(run(&[over("er", true), over("isp", true), over("isp", false)]).0.apart(), [], "one side uses both");
    assert_eq!(run(&[over("er", true)]).0.apart(), []);
}

#[test]
fn odd_clocks_are_borne() {
    let end = |at| Sighting { first: Timestamp(at), last: Timestamp(at), ..seen("er", 0.0, 0.0, 9) };
    let odd = case(&[end(i64::MIN), end(i64::MAX)], &[end(i64::MAX)]);
    assert_eq!(run(&[odd]).0.events(), []);
}
