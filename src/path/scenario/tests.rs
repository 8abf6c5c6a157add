//! Rows against what was seen: as printed, elsewhere, not at all. What a row prints is written here once more.

use super::*;
use crate::path::HopKind;
use crate::topology::Segment;

mod diagrams;
mod rows;

fn segment(word: &str) -> Segment {
    match word {
        "L" => Segment::Local,
        "I" => Segment::Internet,
        "ER" => Segment::Expressroute,
        other => panic!("{other} is no segment"),
    }
}

/// Legs in a line: `signalling A-home ER, media A-B L|I`.
fn legs(text: &'static str) -> Vec<(HopKind, &'static str, Vec<Segment>)> {
    let leg = |text: &'static str| {
        let [kind, leg, segments] = text.trim().split(' ').collect::<Vec<_>>().try_into().unwrap();
        let kind = if kind == "media" { HopKind::Media } else { HopKind::Signalling };
        (kind, leg, segments.split('|').map(segment).collect())
    };
    text.split(',').filter(|leg| !leg.trim().is_empty()).map(leg).collect()
}

/// Both directions of a leg on one segment.
fn seen(kind: HopKind, leg: &'static str, on: Segment) -> Observed {
    Observed { leg, kind, ways: [Some(on), Some(on)] }
}

fn against(id: &str, seen: &[Observed]) -> Comparison {
    compare(row(id).unwrap(), seen, Setting::default())
}

/// The verdict on each leg, as `A-home match`.
fn verdicts(comparison: &Comparison) -> Vec<String> {
    comparison.legs.iter().map(|leg| format!("{} {}", leg.leg, leg.verdict)).collect()
}

fn verdict_of(comparison: &Comparison, kind: HopKind, leg: &str) -> Verdict {
    comparison.legs.iter().find(|own| own.leg == leg && own.kind == kind).unwrap().verdict
}

#[test]
fn without_expressroute_a_row_reads_internet() {
    let without = Setting { express_route: Some(false), sbc_inside: None };
    let internet = [seen(HopKind::Media, "A-conf", Segment::Internet)];
    assert_eq!(compare(row("ON4").unwrap(), &internet, without).verdict(), Verdict::Match);
    assert_eq!(against("ON4", &internet).verdict(), Verdict::Alternative);
    // What must not be on ExpressRoute may be on the Internet all the same.
    assert_eq!(compare(row("ON6").unwrap(), &internet, without).verdict(), Verdict::Match);
    // A hop within is no Internet, whatever is deployed.
    let local = [seen(HopKind::Media, "A-conf", Segment::Local)];
    assert!(compare(row("ON4").unwrap(), &local, without).text().contains("A-conf on local, where ON4 has internet"));
}

#[test]
fn the_worse_direction_decides() {
    let ways = |ways| [Observed { leg: "A-B", kind: HopKind::Media, ways }];
    let of = |there, back| against("ON1", &ways([there, back])).verdict();
    let (local, internet) = (Some(Segment::Local), Some(Segment::Internet));
    assert_eq!(of(local, None), Verdict::Match);
    assert_eq!(of(local, internet), Verdict::Mismatch);
    assert_eq!(of(internet, local), Verdict::Mismatch);
    assert_eq!(of(None, None), Verdict::Unseen);
}

#[test]
fn segments_that_nothing_tells_are_unseen() {
    let on = |id, leg, segment| against(id, &[seen(HopKind::Media, leg, segment)]).verdict();
    assert_eq!(on("ON4", "A-conf", Segment::Unknown), Verdict::Unseen);
    assert_eq!(on("ON4", "A-conf", Segment::Microsoft), Verdict::Unseen);
    // Match on the one and alternative on the other.
    assert_eq!(on("ON4", "A-conf", Segment::InternetOrExpressroute), Verdict::Unseen);
    // The same on both.
    assert_eq!(on("TD1", "SBC-mp", Segment::InternetOrExpressroute), Verdict::Match);
    assert_eq!(on("ON1", "A-B", Segment::InternetOrExpressroute), Verdict::Mismatch);
}

#[test]
fn a_leg_is_told_apart_by_what_it_carries() {
    let comparison = against("ON6", &[seen(HopKind::Media, "A-conf", Segment::Expressroute)]);
    assert_eq!(verdict_of(&comparison, HopKind::Signalling, "A-conf"), Verdict::Unseen);
    assert_eq!(verdict_of(&comparison, HopKind::Media, "A-conf"), Verdict::Mismatch);
    assert!(comparison.text().contains("A-conf on expressroute, where ON6 never has it"));
}

#[test]
fn legs_of_other_names_are_left_out() {
    assert_eq!(against("ON1", &[seen(HopKind::Media, "SBC-mp", Segment::Local)]).verdict(), Verdict::Unseen);
}

#[test]
fn a_mismatch_names_the_row_and_what_it_takes_for_granted() {
    let text = against("ON1", &[seen(HopKind::Media, "A-B", Segment::Internet)]).text();
    assert_eq!(text, "mismatch: A-B on internet, where ON1 has local (ON1 holds where the WAN lets both clients reach each other)");
}

#[test]
fn conditional_and_inferred_legs_never_fail_a_row() {
    for leg in ["A-edge_online", "A-edge_onprem", "edge_onprem-B", "edge_onprem-edge_online"] {
        for on in [Segment::Local, Segment::Internet, Segment::Expressroute] {
            assert_ne!(against("HY3", &[seen(HopKind::Media, leg, on)]).verdict(), Verdict::Mismatch, "{leg} on {on}");
        }
    }
    let turned = against("CC2", &[seen(HopKind::Signalling, "home-cce", Segment::Local)]);
    assert_eq!((verdicts(&turned)[1].as_str(), turned.verdict()), ("home-cce mismatch", Verdict::Alternative));
}

#[test]
fn an_sbc_elsewhere_leaves_the_legs_that_end_in_your_network() {
    let hosted = Setting { express_route: None, sbc_inside: Some(false) };
    let local = [seen(HopKind::Signalling, "SBC-proxy", Segment::Local), seen(HopKind::Media, "A-SBC", Segment::Internet)];
    assert_eq!(verdicts(&compare(row("TD3").unwrap(), &local, hosted)), ["A-home unseen", "SBC-proxy unseen", "A-SBC alternative"]);
    assert_eq!(verdicts(&compare(row("TD5").unwrap(), &local, hosted)), ["A-home unseen", "SBC-proxy unseen", "A-SBC unseen"]);
}

#[test]
fn the_alternative_of_an_sbc_elsewhere_is_none_for_your_own() {
    let inside = Setting { express_route: None, sbc_inside: Some(true) };
    for (id, leg) in [("TD3", "A-SBC"), ("TD6", "SBC1-SBC2")] {
        let out = [seen(HopKind::Media, leg, Segment::Internet)];
        assert_eq!(compare(row(id).unwrap(), &out, inside).verdict(), Verdict::Mismatch);
        assert_eq!(compare(row(id).unwrap(), &out, Setting { sbc_inside: Some(false), ..inside }).verdict(), Verdict::Alternative);
    }
}

#[test]
fn a_leg_that_goes_out_over_one_segment_and_back_over_the_other_is_no_match() {
    let ways = [Some(Segment::Expressroute), Some(Segment::Internet)];
    let torn = against("TD1", &[Observed { leg: "SBC-proxy", kind: HopKind::Signalling, ways }]);
    assert_eq!(torn.verdict(), Verdict::Mismatch);
    assert!(torn.text().contains("SBC-proxy on expressroute one way and on internet the other"), "{}", torn.text());
}
