//! Every row: seen as it prints, one leg elsewhere, legs left out, each alternative.

use super::*;

const SEGMENTS: [Segment; 3] = [Segment::Local, Segment::Internet, Segment::Expressroute];

/// The row `id` prints these legs, and besides them these alternatives.
fn holds(id: &str, printed: &'static str, alternatives: &'static str) {
    let (printed, alternatives) = (legs(printed), legs(alternatives));
    matches(id, &printed);
    for (place, _) in printed.iter().enumerate() {
        left_out(id, &printed, place);
        elsewhere(id, &printed, &alternatives, place);
    }
    for (kind, leg, on) in &alternatives {
        let verdict = verdict_of(&against(id, &[seen(*kind, leg, on[0])]), *kind, leg);
        assert_eq!(verdict, Verdict::Alternative, "{id}: {leg} on {}", on[0]);
    }
    assert_eq!(against(id, &[]).verdict(), Verdict::Unseen);
    let row = row(id).unwrap();
    assert_eq!(row.alt.len(), alternatives.len());
    assert_eq!(row.signalling.len() + row.media.len(), printed.len());
}

type Printed = (HopKind, &'static str, Vec<Segment>);

/// Each leg on each segment that the row prints matches.
fn matches(id: &str, printed: &[Printed]) {
    for n in 0..SEGMENTS.len() {
        let observed: Vec<Observed> = printed.iter().map(|(kind, leg, on)| seen(*kind, leg, *on.get(n).unwrap_or(&on[0]))).collect();
        let comparison = against(id, &observed);
        assert!(comparison.legs.iter().all(|leg| leg.verdict == Verdict::Match), "{:?}", verdicts(&comparison));
        assert_eq!((comparison.legs.len(), comparison.text().as_str()), (printed.len(), "match"));
    }
}

fn left_out(id: &str, printed: &[Printed], place: usize) {
    let mut observed: Vec<Observed> = printed.iter().map(|(kind, leg, on)| seen(*kind, leg, on[0])).collect();
    observed.remove(place);
    let comparison = against(id, &observed);
    let (kind, leg, _) = &printed[place];
    assert_eq!(verdict_of(&comparison, *kind, leg), Verdict::Unseen);
    assert!(comparison.verdict() <= Verdict::Match);
}

/// One leg on every segment that is not printed, the others as printed.
fn elsewhere(id: &str, printed: &[Printed], alternatives: &[Printed], place: usize) {
    let (kind, leg, on) = &printed[place];
    for other in SEGMENTS.into_iter().filter(|segment| !on.contains(segment)) {
        let is_alternative = alternatives.iter().any(|(k, l, on)| (k, l, on[0]) == (kind, leg, other));
        let for_expressroute = other == Segment::Internet && on.contains(&Segment::Expressroute);
        let expected = if is_alternative || for_expressroute { Verdict::Alternative } else { Verdict::Mismatch };
        let mut observed: Vec<Observed> = printed.iter().map(|(kind, leg, on)| seen(*kind, leg, on[0])).collect();
        observed[place] = seen(*kind, leg, other);
        let comparison = against(id, &observed);
        assert_eq!(verdict_of(&comparison, *kind, leg), expected, "{id}: {leg} on {other}");
        let matching = comparison.legs.iter().filter(|leg| leg.verdict == Verdict::Match).count();
        assert_eq!(matching, printed.len() - 1);
        assert!(comparison.text().contains(&format!("{leg} on {other}")), "{}", comparison.text());
        let counts = comparison.legs[place].counts;
        assert_eq!(comparison.verdict() == Verdict::Mismatch, counts && expected == Verdict::Mismatch);
    }
}

#[test]
fn on1() {
    holds("ON1", "signalling A-home ER, signalling B-home ER, media A-B L", "");
}

#[test]
fn on2() {
    holds("ON2", "signalling A-home ER, signalling B-home I, media A-edge ER, media B-edge I", "media A-B I");
}

#[test]
fn on3() {
    holds("ON3", "signalling A-home ER, signalling B-home ER, media A-edge ER, media B-edge ER", "media A-B I");
}

#[test]
fn on4() {
    holds("ON4", "signalling A-home ER, media A-conf ER", "");
}

#[test]
fn on5() {
    holds("ON5", "signalling A-home I, media A-conf I", "");
}

#[test]
fn on6() {
    holds("ON6", "signalling A-conf I, media A-conf I", "");
}

#[test]
fn on7() {
    holds("ON7", "signalling A-home ER, media A-cloud ER", "");
}

#[test]
fn on8() {
    holds("ON8", "signalling A-home I, media A-cloud I", "");
}

#[test]
fn hy1() {
    holds("HY1", "signalling A-home L, signalling B-home L, media A-B L", "");
}

#[test]
fn hy2() {
    holds("HY2", "signalling A-home ER, signalling B-home L, media A-B L", "");
}

#[test]
fn hy3() {
    holds(
        "HY3",
        "signalling A-home L, signalling B-home ER, media A-edge_online ER, media A-edge_onprem L, media edge_onprem-B I, \
         media edge_onprem-edge_online ER",
        "media A-B I",
    );
}

#[test]
fn hy4() {
    holds("HY4", "signalling A-conf ER, media A-conf ER", "signalling A-home L");
}

#[test]
fn hy5() {
    holds("HY5", "signalling A-home L, media A-gateway L", "");
}

#[test]
fn cc1() {
    holds("CC1", "signalling A-home L|ER, signalling home-cce L|ER|I, media A-cce L", "");
}

#[test]
fn cc2() {
    holds("CC2", "signalling A-home I, signalling home-cce ER|I, media A-cce_edge I", "");
}

#[test]
fn td1() {
    holds("TD1", "signalling A-home I|ER, signalling SBC-proxy I|ER, media A-mp I|ER, media SBC-mp I|ER", "");
}

#[test]
fn td2() {
    holds("TD2", "signalling A-home I, signalling SBC-proxy I|ER, media A-mp I, media SBC-mp I|ER", "");
}

#[test]
fn td3() {
    holds("TD3", "signalling A-home I|ER, signalling SBC-proxy I|ER, media A-SBC L", "media A-SBC I");
}

#[test]
fn td4() {
    holds("TD4", "signalling A-home I, signalling SBC-proxy I|ER, media A-relay I, media relay-SBC I|ER", "");
}

#[test]
fn td5() {
    holds("TD5", "signalling A-home I, signalling SBC-proxy I|ER, media A-SBC I", "");
}

#[test]
fn td6() {
    holds("TD6", "signalling SBC1-proxy I|ER, signalling SBC2-proxy I|ER, media SBC1-SBC2 L", "media SBC1-SBC2 I");
}

#[test]
fn td7() {
    holds("TD7", "signalling SBC1-proxy I|ER, media SBC1-mp I|ER", "");
}

#[test]
fn td8() {
    holds("TD8", "signalling SBC-proxy I|ER, media SBC-mp I|ER", "");
}

#[test]
fn every_row_has_its_test() {
    let text = include_str!("rows.rs");
    for row in &matrix().rows {
        assert!(text.contains(&format!("fn {}() {{", row.id.to_lowercase())), "{}", row.id);
    }
}
