//! Hops: between which addresses and places, over which segment in each direction, and whether that is symmetric. Hops that
//! differ only in their call are shown once.

use super::style::{self, Pen, Style};
use super::{counted, left_out, unspool, width};
use crate::record::Seq;
use crate::report::{EndEntry, HopEntry, WayEntry, escape::escape, spool::Spool};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

/// Groups shown without `-v`.
const MAX_GROUPS: usize = 30;
/// Groups kept apart; hops of further address pairs are only counted.
const MAX_KEPT: usize = 4096;
/// Evidence lines of a verdict without `-v`.
const MAX_EVIDENCE: usize = 2;

/// The segments of a hop, outward (away from your network, towards Microsoft) and back; escaped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    kind: String,
    out: String,
    back: String,
    verdict: String,
}

impl Ways {
    /// Those of a call's hops, each combination once, asymmetric ones first.
    pub fn of(hops: &[(Seq, HopEntry)]) -> Vec<Self> {
        let mut ways: Vec<Self> = Vec::new();
        for hop in hops.iter().map(|(_, hop)| outward(hop.clone())) {
            let text = |text: &str| escape(text).into_owned();
            let way = Self {
                kind: text(&hop.kind),
                out: text(&hop.a_to_b.segment),
                back: text(&hop.b_to_a.segment),
                verdict: text(&hop.asymmetric.verdict),
            };
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways.sort_by_key(|way| (rank(&way.verdict), way.kind != "media"));
        ways
    }

    /// The first, as a cell: `expressroute/internet`, or one word when both are the same.
    pub fn worst(ways: &[Self]) -> Option<(String, Style)> {
        let way = ways.first()?;
        let text = if way.out == way.back { way.out.clone() } else { format!("{}/{}", way.out, way.back) };
        Some((text, of_verdict(&way.verdict)))
    }
}

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.out == self.back {
            write!(f, "{} {}", self.kind, self.out)?;
        } else {
            write!(f, "{} out {}, back {}", self.kind, self.out, self.back)?;
        }
        if rank(&self.verdict) < SYMMETRIC { write!(f, ", asymmetry {}", self.verdict) } else { Ok(()) }
    }
}

const SYMMETRIC: u8 = 3;

/// Asymmetry first, certain before likely.
fn rank(verdict: &str) -> u8 {
    match verdict {
        "confirmed" => 0,
        "likely" => 1,
        "possible" => 2,
        "cannot_tell" => 4,
        _ => SYMMETRIC,
    }
}

fn of_verdict(verdict: &str) -> Style {
    match rank(verdict) {
        0 => style::ERROR,
        1 | 2 => style::WARNING,
        _ => style::PLAIN,
    }
}

/// The hop turned so that `a` is the nearer end: your network first, Microsoft last.
fn outward(mut hop: HopEntry) -> HopEntry {
    let near = |end: &EndEntry| match end.place.as_str() {
        "your_network" => 0,
        "dmz" | "vpn_pool" => 1,
        "microsoft" => 3,
        _ => 2,
    };
    if near(&hop.a) > near(&hop.b) {
        turn(&mut hop);
    }
    hop
}

fn turn(hop: &mut HopEntry) {
    std::mem::swap(&mut hop.a, &mut hop.b);
    std::mem::swap(&mut hop.a_to_b, &mut hop.b_to_a);
}

/// Hops between two addresses over the same segments with one verdict.
struct Group {
    hop: HopEntry,
    calls: u64,
}

/// Writes the hops of all calls, asymmetric ones first, else in order of first record.
pub fn write(out: &mut dyn Write, pen: Pen, spool: &mut Spool, verbose: bool) -> io::Result<()> {
    if spool.is_empty() {
        return Ok(());
    }
    let (mut groups, lost) = gather(spool)?;
    groups.sort_by_key(|group| rank(&group.hop.asymmetric.verdict));
    let shown = if verbose { groups.len() } else { groups.len().min(MAX_GROUPS) };
    pen.heading(out, "Hops", "→ out, ← back; packets of the calls")?;
    for group in groups.iter().take(shown) {
        one(out, pen, group, if verbose { usize::MAX } else { MAX_EVIDENCE })?;
    }
    left_out(out, pen, "hops", groups.len() + lost, shown)
}

/// What hops of one group have in common.
type Key = [String; 6];

fn key_of(hop: &HopEntry) -> Key {
    [&hop.kind, &hop.a.ip, &hop.b.ip, &hop.a_to_b.segment, &hop.b_to_a.segment, &hop.asymmetric.verdict].map(Clone::clone)
}

/// The key of a hop. Where neither end is the outer one, calls that were set up the other way share its group: the hop is turned
/// to fit.
fn fit(hop: &mut HopEntry, index: &BTreeMap<Key, usize>) -> Key {
    let key = key_of(hop);
    if index.contains_key(&key) {
        return key;
    }
    turn(hop);
    let turned = key_of(hop);
    if index.contains_key(&turned) {
        return turned;
    }
    turn(hop);
    key
}

/// Groups in order of first record, and how many hops had no room.
fn gather(spool: &mut Spool) -> io::Result<(Vec<Group>, usize)> {
    let mut index: BTreeMap<Key, usize> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut lost = 0;
    spool.for_each(|entry| {
        let mut hop = outward(unspool(entry)?);
        let key = fit(&mut hop, &index);
        let known = index.get(&key).copied();
        if let Some(group) = known.and_then(|i| groups.get_mut(i)) {
            group.add(&hop);
        } else if groups.len() < MAX_KEPT {
            index.insert(key, groups.len());
            groups.push(Group { calls: u64::from(hop.call.is_some()), hop });
        } else {
            lost += 1;
        }
        Ok(())
    })?;
    Ok((groups, lost))
}

impl Group {
    fn add(&mut self, hop: &HopEntry) {
        for (sum, way) in [(&mut self.hop.a_to_b, &hop.a_to_b), (&mut self.hop.b_to_a, &hop.b_to_a)] {
            if sum.packets == 0 && way.packets > 0 {
                sum.basis.clone_from(&way.basis);
            }
            sum.packets += way.packets;
            sum.bytes += way.bytes;
        }
        self.calls += u64::from(hop.call.is_some());
    }
}

fn one(out: &mut dyn Write, pen: Pen, group: &Group, evidence: usize) -> io::Result<()> {
    let hop = &group.hop;
    let lead = pen.line().put(style::STRONG, &escape(&hop.kind)).to(12).take();
    let calls = if group.calls == 0 { "not readable".to_owned() } else { counted(group.calls, "call", "calls") };
    let text = format!("{} {} to {} {}, {calls}", escape(&hop.a.ip), place(&hop.a), escape(&hop.b.ip), place(&hop.b));
    pen.paragraph(out, lead, style::PLAIN, &text)?;
    let columns = [&hop.a_to_b, &hop.b_to_a].map(|way| width::of(&escape(&way.segment))).into_iter().max().unwrap_or(0);
    let style = of_verdict(&hop.asymmetric.verdict);
    way(out, pen, ("→ ", &hop.a_to_b), columns, style)?;
    way(out, pen, ("← ", &hop.b_to_a), columns, style)?;
    verdict(out, pen, hop, evidence)
}

fn place(end: &EndEntry) -> String {
    format!("({})", escape(&end.place))
}

fn way(out: &mut dyn Write, pen: Pen, (arrow, way): (&str, &WayEntry), columns: usize, style: Style) -> io::Result<()> {
    let mut lead = pen.line();
    lead.to(12).put(style::PLAIN, arrow).put(style, &width::left(&escape(&way.segment), columns)).put(style::PLAIN, "  ");
    let basis = if way.basis.is_empty() { String::new() } else { format!(": {}", escape(&way.basis)) };
    pen.paragraph(out, lead, style::PLAIN, &format!("{}{basis}", counted(way.packets, "packet", "packets")))
}

/// Nothing where the question does not arise: asymmetry is between you and Microsoft.
fn verdict(out: &mut dyn Write, pen: Pen, hop: &HopEntry, most: usize) -> io::Result<()> {
    let asked = [&hop.a, &hop.b].iter().any(|end| end.place == "microsoft");
    if !asked && hop.asymmetric.verdict == "cannot_tell" {
        return Ok(());
    }
    let text = match hop.asymmetric.verdict.as_str() {
        "no" => "symmetric".to_owned(),
        "cannot_tell" => "asymmetry: cannot tell".to_owned(),
        verdict => format!("asymmetry {}", escape(verdict)),
    };
    let evidence: Vec<_> = hop.asymmetric.evidence.iter().take(most).map(|line| escape(line)).collect();
    let because = if evidence.is_empty() { String::new() } else { format!(": {}", evidence.join("; ")) };
    let lead = pen.line().to(12).put(of_verdict(&hop.asymmetric.verdict), &text).take();
    pen.hanging(out, lead, 14, style::PLAIN, &because)
}
