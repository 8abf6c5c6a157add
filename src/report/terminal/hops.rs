//! Hops: between which addresses and places, over which segment in each direction, and whether that is symmetric. Hops that
//! differ only in their call are shown once.

use super::style::{self, Pen, Style};
use super::{counted, left_out, unspool, width};
use crate::record::Seq;
use crate::report::{EndEntry, HopEntry, Text, WayEntry, escape::escape, spool::Spool};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::{self, Write};

/// Groups shown with `-v`.
const VERBOSE: usize = 4096;
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
    pub fn of(hops: &[(Seq, HopEntry<'_>)]) -> Vec<Self> {
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

/// How far out an end is: your network first, Microsoft last.
pub fn near(end: &EndEntry<'_>) -> u8 {
    match end.place.as_str() {
        "your_network" => 0,
        "dmz" | "vpn_pool" => 1,
        "microsoft" => 3,
        _ => 2,
    }
}

/// The hop turned so that `a` is the nearer end.
pub fn outward(mut hop: HopEntry<'_>) -> HopEntry<'_> {
    if near(&hop.a) > near(&hop.b) {
        turn(&mut hop);
    }
    hop
}

fn turn(hop: &mut HopEntry<'_>) {
    std::mem::swap(&mut hop.a, &mut hop.b);
    std::mem::swap(&mut hop.a_to_b, &mut hop.b_to_a);
}

/// What grouping needs of a hop. It stands before the hop in the spool, so that of a hundred thousand hops few are unpacked.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    /// The same for all hops of a group, whichever way they are turned: kind, addresses, segments, verdict.
    key: Cow<'a, str>,
    /// The hop is turned the other way than its key.
    turned: bool,
    rank: u8,
    of_call: bool,
    /// Packets and bytes each way, as the key is turned.
    sums: Sums,
}

/// Packets and bytes, out and back.
type Sums = [(u64, u64); 2];

/// A hop as it is spooled.
pub fn packed(hop: &HopEntry<'_>) -> Vec<u8> {
    let key = |ends: [&EndEntry<'_>; 2], ways: [&WayEntry<'_>; 2]| {
        [&hop.kind, &ends[0].ip, &ends[1].ip, &ways[0].segment, &ways[1].segment, &hop.asymmetric.verdict]
            .map(|text| text.as_str())
            .join("\0")
    };
    let as_it_is = key([&hop.a, &hop.b], [&hop.a_to_b, &hop.b_to_a]);
    let other_way = key([&hop.b, &hop.a], [&hop.b_to_a, &hop.a_to_b]);
    // Where neither end is the outer one, calls that were set up the other way share the group.
    let turned = match near(&hop.a).cmp(&near(&hop.b)) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => other_way < as_it_is,
    };
    let mut sums = [&hop.a_to_b, &hop.b_to_a].map(|way| (way.packets, way.bytes));
    if turned {
        sums.reverse();
    }
    let key = Cow::Owned(if turned { other_way } else { as_it_is });
    let head = Head { key, turned, rank: rank(&hop.asymmetric.verdict), of_call: hop.call.is_some(), sums };
    postcard::to_stdvec(&(head, hop)).expect("plain data")
}

/// Hops between two addresses over the same segments with one verdict.
struct Group {
    /// The first of them, packed.
    first: Vec<u8>,
    turned: bool,
    calls: u64,
    sums: Sums,
    /// What the first packets out and back rest on, where the first hop had none.
    basis: [Option<Text<'static>>; 2],
}

impl Group {
    fn add(&mut self, head: &Head<'_>, entry: &[u8]) -> io::Result<()> {
        let fills = [0, 1].map(|way| self.sums[way].0 == 0 && head.sums[way].0 > 0);
        if fills.contains(&true) {
            let mut hop: HopEntry<'_> = unspool(entry)?;
            if head.turned {
                turn(&mut hop);
            }
            for ((known, fill), way) in self.basis.iter_mut().zip(fills).zip([hop.a_to_b, hop.b_to_a]) {
                if fill {
                    *known = Some(way.basis);
                }
            }
        }
        for (sum, more) in self.sums.iter_mut().zip(head.sums) {
            (sum.0, sum.1) = (sum.0 + more.0, sum.1 + more.1);
        }
        self.calls += u64::from(head.of_call);
        Ok(())
    }

    /// The first hop with the packets of all, turned outward.
    fn hop(&self) -> io::Result<HopEntry<'static>> {
        let mut hop: HopEntry<'_> = unspool(&self.first)?;
        if self.turned {
            turn(&mut hop);
        }
        for ((way, basis), sum) in [&mut hop.a_to_b, &mut hop.b_to_a].into_iter().zip(&self.basis).zip(self.sums) {
            (way.packets, way.bytes) = sum;
            if let Some(basis) = basis {
                way.basis.clone_from(basis);
            }
        }
        if self.turned {
            turn(&mut hop);
        }
        Ok(outward(hop))
    }
}

/// The groups with a room of their own, and how many hops had none.
struct Groups {
    most: usize,
    by_key: HashMap<String, Group, foldhash::quality::RandomState>,
    /// Rank, number of the first hop, key: what goes first when room is short stands last.
    order: BTreeSet<(u8, usize, String)>,
    lost: usize,
}

impl Groups {
    /// Reads hops in order of first record.
    fn of(spool: &mut Spool, most: usize) -> io::Result<Self> {
        let mut groups = Self { most, by_key: HashMap::default(), order: BTreeSet::new(), lost: 0 };
        let mut number = 0;
        spool.for_each(|entry| {
            let (head, entry) = postcard::take_from_bytes::<Head<'_>>(entry).map_err(io::Error::other)?;
            number += 1;
            groups.add(&head, number, entry)
        })?;
        Ok(groups)
    }

    fn add(&mut self, head: &Head<'_>, number: usize, entry: &[u8]) -> io::Result<()> {
        if let Some(group) = self.by_key.get_mut(head.key.as_ref()) {
            return group.add(head, entry);
        }
        if self.by_key.len() >= self.most {
            self.lost += 1;
            // A group that comes later is in front of those there are only when it is worse.
            if self.order.last().is_none_or(|(rank, ..)| *rank <= head.rank) {
                return Ok(());
            }
            if let Some((.., key)) = self.order.pop_last() {
                self.by_key.remove(&key);
            }
        }
        let key = head.key.clone().into_owned();
        let (turned, rank, calls, sums) = (head.turned, head.rank, u64::from(head.of_call), head.sums);
        self.order.insert((rank, number, key.clone()));
        self.by_key.insert(key, Group { first: entry.to_vec(), turned, calls, sums, basis: [None, None] });
        Ok(())
    }
}

/// Writes the hops of all calls, asymmetric ones first, else in order of first record.
pub fn write(out: &mut dyn Write, pen: Pen, spool: &mut Spool, most: usize, verbose: bool) -> io::Result<()> {
    if spool.is_empty() {
        return Ok(());
    }
    let shown = if verbose { most.max(VERBOSE) } else { most };
    // Those that are not shown are counted, as far as that is cheap.
    let groups = Groups::of(spool, shown.max(VERBOSE))?;
    pen.heading(out, "Hops", "→ out, ← back; packets of the calls")?;
    for group in groups.order.iter().take(shown).filter_map(|(.., key)| groups.by_key.get(key)) {
        one(out, pen, &group.hop()?, group.calls, if verbose { usize::MAX } else { MAX_EVIDENCE })?;
    }
    left_out(out, pen, "hops", groups.by_key.len() + groups.lost, shown)
}

fn one(out: &mut dyn Write, pen: Pen, hop: &HopEntry<'_>, calls: u64, evidence: usize) -> io::Result<()> {
    let lead = pen.line().put(style::STRONG, &escape(&hop.kind)).to(12).take();
    let calls = if calls == 0 { "not readable".to_owned() } else { counted(calls, "call", "calls") };
    let text = format!("{} {} to {} {}, {calls}", escape(&hop.a.ip), place(&hop.a), escape(&hop.b.ip), place(&hop.b));
    pen.paragraph(out, lead, style::PLAIN, &text)?;
    let columns = [&hop.a_to_b, &hop.b_to_a].map(|way| width::of(&escape(&way.segment))).into_iter().max().unwrap_or(0);
    let style = of_verdict(&hop.asymmetric.verdict);
    way(out, pen, ("→ ", &hop.a_to_b), columns, style)?;
    way(out, pen, ("← ", &hop.b_to_a), columns, style)?;
    if let Some(tls) = hop.tls.first() {
        let mut lead = pen.line();
        lead.to(12);
        pen.hanging(out, lead.take(), 14, style::PLAIN, &escape(&tls.summary()))?;
    }
    verdict(out, pen, hop, evidence)
}

fn place(end: &EndEntry<'_>) -> String {
    format!("({})", escape(&end.place))
}

fn way(out: &mut dyn Write, pen: Pen, (arrow, way): (&str, &WayEntry<'_>), columns: usize, style: Style) -> io::Result<()> {
    let mut lead = pen.line();
    lead.to(12).put(style::PLAIN, arrow).put(style, &width::left(&escape(&way.segment), columns)).put(style::PLAIN, "  ");
    let basis = if way.basis.is_empty() { String::new() } else { format!(": {}", escape(&way.basis)) };
    pen.paragraph(out, lead, style::PLAIN, &format!("{}{basis}", counted(way.packets, "packet", "packets")))
}

/// Nothing where the question does not arise: asymmetry is between you and Microsoft.
fn verdict(out: &mut dyn Write, pen: Pen, hop: &HopEntry<'_>, most: usize) -> io::Result<()> {
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
