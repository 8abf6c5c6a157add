//! Legs that were seen, held against one row of the matrix: section 6 item 3 of the call flows, with notes N3, N6 and N7.

use super::rows::{Deployment, Deviation, Row, RowLeg};
use crate::path::HopKind;
use crate::topology::Segment;
use std::fmt;

/// A leg as the capture shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Its name in the row: `A-home`, `SBC-mp`.
    pub leg: &'static str,
    /// What it carries.
    pub kind: HopKind,
    /// The segment of each direction; nothing where no packet went that way.
    pub ways: [Option<Segment>; 2],
}

/// What is known of the network beside the legs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Setting {
    /// Whether there is ExpressRoute with Microsoft peering, where that is known.
    pub express_route: Option<bool>,
    /// Whether the SBC is in your network, where that is known; one that is not is at a carrier or in a public cloud.
    pub sbc_inside: Option<bool>,
}

/// What becomes of a leg, and of a row: the worst of its legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No packet of it was seen, or on no segment that can be named.
    Unseen,
    /// As the row has it.
    Match,
    /// Otherwise, and as good.
    Alternative,
    /// Otherwise.
    Mismatch,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Unseen => "unseen",
            Verdict::Match => "match",
            Verdict::Alternative => "alternative",
            Verdict::Mismatch => "mismatch",
        })
    }
}

/// One leg against the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub leg: &'static str,
    /// What it carries.
    pub kind: HopKind,
    /// The verdict.
    pub verdict: Verdict,
    /// What differs or makes the difference good; empty for a match.
    pub text: String,
    /// A mismatch of it fails the row: legs under a condition, and those that no table prints, never do.
    pub counts: bool,
}

/// A call against one row.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The row.
    pub row: &'static Row,
    /// Its legs, those of the row first, signalling before media.
    pub legs: Vec<Compared>,
}

impl Comparison {
    /// The worst of the legs. A mismatch of one that does not count makes no more than an alternative of the row.
    pub fn verdict(&self) -> Verdict {
        let of = |leg: &Compared| if leg.counts { leg.verdict } else { leg.verdict.min(Verdict::Alternative) };
        self.legs.iter().map(of).max().unwrap_or(Verdict::Unseen)
    }

    /// `match`, or the verdict with each leg that differs, and for a mismatch what the row takes for granted.
    pub fn text(&self) -> String {
        let verdict = self.verdict();
        let said: Vec<&str> = self.legs.iter().filter(|leg| leg.verdict > Verdict::Match).map(|leg| leg.text.as_str()).collect();
        match verdict {
            Verdict::Unseen | Verdict::Match => verdict.to_string(),
            Verdict::Alternative => format!("{verdict}: {}", said.join("; ")),
            Verdict::Mismatch if self.row.conditions.is_empty() => format!("{verdict}: {}", said.join("; ")),
            Verdict::Mismatch => format!("{verdict}: {} ({} holds where {})", said.join("; "), self.row.id, self.row.conditions.join("; ")),
        }
    }
}

/// Holds `seen` against `row`. Legs that the row does not name are left out.
pub fn compare(row: &'static Row, seen: &[Observed], setting: Setting) -> Comparison {
    let signalling = row.signalling.iter().map(|leg| (HopKind::Signalling, leg));
    let media = row.media.iter().map(|leg| (HopKind::Media, leg));
    let mut legs: Vec<Compared> = Vec::new();
    for (kind, leg) in signalling.chain(media) {
        let judged = Judged { row, name: &leg.leg, leg: Some(leg), setting };
        legs.push(judged.against(kind, seen.iter().filter(|o| o.leg == leg.leg && o.kind == kind)));
    }
    // A leg that only `alt` names is a pattern other than the row's: of it there is nothing to miss.
    for alt in row.alt.iter().filter(|alt| !legs.iter().any(|leg| leg.leg == alt.leg)).collect::<Vec<_>>() {
        let judged = Judged { row, name: &alt.leg, leg: None, setting };
        for kind in [HopKind::Signalling, HopKind::Media] {
            let mut own = seen.iter().filter(|o| o.leg == alt.leg && o.kind == kind).peekable();
            if own.peek().is_some() {
                legs.push(judged.against(kind, own));
            }
        }
    }
    Comparison { row, legs }
}

/// A leg that is being judged.
struct Judged {
    row: &'static Row,
    name: &'static str,
    leg: Option<&'static RowLeg>,
    setting: Setting,
}

impl Judged {
    fn against<'o>(&self, kind: HopKind, seen: impl Iterator<Item = &'o Observed>) -> Compared {
        let judged = seen.filter(|_| self.is_compared()).flat_map(|observed| {
            let ways = observed.ways.into_iter().flatten().map(|segment| self.way(segment));
            ways.chain(self.torn(observed.ways)).collect::<Vec<_>>()
        });
        let (verdict, text) = judged.reduce(worse).unwrap_or((Verdict::Unseen, String::new()));
        let counts = self.leg.is_some_and(|leg| leg.when.is_none() && !leg.inferred);
        Compared { leg: self.name, kind, verdict, text, counts }
    }

    /// Whatever segments a row allows, it means one for both directions of a flow.
    fn torn(&self, ways: [Option<Segment>; 2]) -> Option<(Verdict, String)> {
        let [Some(there), Some(back)] = ways else { return None };
        let differs = there.is_edge() && back.is_edge() && there != back;
        differs.then(|| (Verdict::Mismatch, format!("{} on {there} one way and on {back} the other", self.name)))
    }

    /// Note N7: with an SBC elsewhere only legs with an end in your network count, and that end is not the SBC.
    fn is_compared(&self) -> bool {
        let hosted = self.row.deployment == Deployment::TeamsDirectRouting && self.setting.sbc_inside == Some(false);
        let is_inside = |name: &str| {
            let at = self.row.endpoint(name).filter(|_| !name.starts_with("SBC")).map(|endpoint| endpoint.at);
            at.is_some_and(|place| place.is_inside())
        };
        !hosted || self.is_between_sbcs() || self.name.split('-').any(is_inside)
    }

    /// Of two SBCs the setting cannot tell which one is elsewhere, so one end may well be in your network.
    fn is_between_sbcs(&self) -> bool {
        self.name.split('-').all(|name| name.starts_with("SBC"))
    }

    /// One direction. Where two segments are possible and they would be judged differently, nothing can be said.
    fn way(&self, segment: Segment) -> (Verdict, String) {
        match segment {
            Segment::Unknown | Segment::Microsoft => (Verdict::Unseen, String::new()),
            Segment::InternetOrExpressroute => {
                let (internet, express) = (self.on(Segment::Internet), self.on(Segment::Expressroute));
                if internet.0 == express.0 { internet } else { (Verdict::Unseen, String::new()) }
            }
            segment => self.on(segment),
        }
    }

    fn on(&self, segment: Segment) -> (Verdict, String) {
        let of = |list: &'static [Deviation]| list.iter().find(|d| d.leg == self.name && d.segment == segment);
        let allowed = self.leg.map_or(&[][..], |leg| &leg.allowed);
        let reads = |printed: &Segment| match self.setting.express_route {
            Some(false) if *printed == Segment::Expressroute => Segment::Internet,
            _ => *printed,
        };
        let (name, id) = (self.name, &self.row.id);
        if of(&self.row.forbidden).is_some() {
            return (Verdict::Mismatch, format!("{name} on {segment}, where {id} never has it"));
        }
        if allowed.iter().any(|printed| reads(printed) == segment) {
            return (Verdict::Match, String::new());
        }
        if let Some(alt) = of(&self.row.alt).filter(|_| self.alternatives_hold()) {
            let when = alt.when.as_deref().map(|when| format!(", as where {when}")).unwrap_or_default();
            return (Verdict::Alternative, format!("{name} on {segment}{when}"));
        }
        // Notes N3 and N6.
        if segment == Segment::Internet && allowed.contains(&Segment::Expressroute) {
            return (Verdict::Alternative, format!("{name} on internet, which serves where {id} has expressroute"));
        }
        let expected: Vec<&str> = allowed.iter().map(|printed| reads(printed).as_str()).collect();
        let text = match expected.as_slice() {
            [] => format!("{name} on {segment}, of which {id} says nothing"),
            expected => format!("{name} on {segment}, where {id} has {}", expected.join(" or ")),
        };
        (Verdict::Mismatch, text)
    }

    /// The alternatives of Teams rows are those of an SBC elsewhere.
    fn alternatives_hold(&self) -> bool {
        self.row.deployment != Deployment::TeamsDirectRouting || self.setting.sbc_inside != Some(true)
    }
}

/// The worse of two; of equals the first.
fn worse(a: (Verdict, String), b: (Verdict, String)) -> (Verdict, String) {
    if b.0 > a.0 { b } else { a }
}
