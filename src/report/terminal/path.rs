//! The path of a call on one line: its hosts in a chain, with the segment between each two, and a line for each direction where the two
//! differ.

use super::hops::{near, outward};
use crate::record::Seq;
use crate::report::{EndEntry, HopEntry, escape::escape};
use std::collections::BTreeSet;

/// Hosts of a chain that are named.
const MOST: usize = 12;

/// `10.0.0.7 (your_network) ─local─ 198.51.100.4 ═expressroute═ 52.114.75.24 (microsoft)`, or one line there and one back; a chain for
/// each part of the call that has no host in common with another. `kind` is `signalling` or `media`.
pub fn lines(hops: &[(Seq, HopEntry<'_>)], kind: &str) -> Vec<String> {
    let hops: Vec<HopEntry<'_>> =
        hops.iter().filter(|(_, hop)| &*hop.kind == kind).take(MOST).map(|(_, hop)| outward(hop.clone())).collect();
    let mut left: BTreeSet<usize> = (0..hops.len()).collect();
    let mut lines = Vec::new();
    while let Some(chain) = chain(&hops, &mut left) {
        let there = drawn(&chain, |hop, turned| if turned { &hop.b_to_a.segment } else { &hop.a_to_b.segment });
        let back = drawn(&chain, |hop, turned| if turned { &hop.a_to_b.segment } else { &hop.b_to_a.segment });
        match there == back {
            true => lines.push(there),
            false => lines.extend([format!("→ {there}"), format!("← {back}")]),
        }
    }
    lines
}

/// A hop of a chain; turned where the chain goes from b to a.
type Link<'h, 'c> = (&'h HopEntry<'c>, bool);

/// The next chain of hops that share hosts, each taken once: from a host that has one hop only, the nearest first.
fn chain<'h, 'c>(hops: &'h [HopEntry<'c>], left: &mut BTreeSet<usize>) -> Option<Vec<Link<'h, 'c>>> {
    let degree = |ip: &str| left.iter().filter(|i| hops.get(**i).is_some_and(|hop| &*hop.a.ip == ip || &*hop.b.ip == ip)).count();
    // A hop with an end that no other hop has; of several the one that is nearest to your network.
    let begins = |i: &usize| {
        let hop = hops.get(*i)?;
        let ends = [(&hop.a, false), (&hop.b, true)].into_iter().filter(|(end, _)| degree(&end.ip) == 1);
        ends.map(|(end, turned)| (near(end), *i, turned)).min()
    };
    let (_, first, turned) = left.iter().filter_map(begins).min().or_else(|| left.first().map(|i| (0, *i, false)))?;
    left.remove(&first);
    let mut chain = vec![(hops.get(first)?, turned)];
    loop {
        let (last, turned) = chain.last()?;
        let end = if *turned { &last.a.ip } else { &last.b.ip };
        let next = left.iter().copied().find(|i| hops.get(*i).is_some_and(|hop| hop.a.ip == *end || hop.b.ip == *end));
        let Some(hop) = next.and_then(|i| hops.get(i)) else { return Some(chain) };
        let turned = hop.b.ip == *end && hop.a.ip != *end;
        next.iter().for_each(|i| {
            left.remove(i);
        });
        chain.push((hop, turned));
    }
}

fn drawn<'h, 'c>(chain: &[Link<'h, 'c>], segment: impl Fn(&'h HopEntry<'c>, bool) -> &'h str) -> String {
    let mut line = String::new();
    for (i, (hop, turned)) in chain.iter().enumerate() {
        let [from, to] = if *turned { [&hop.b, &hop.a] } else { [&hop.a, &hop.b] };
        if i == 0 {
            line += &host(from);
        }
        let segment = segment(hop, *turned);
        let stroke = if segment == "expressroute" { '═' } else { '─' };
        line += &format!(" {stroke}{}{stroke} {}", escape(segment), host(to));
    }
    line
}

fn host(end: &EndEntry<'_>) -> String {
    format!("{} ({})", escape(&end.ip), escape(&end.place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Text, WayEntry};

    fn hop(
        a: (&'static str, &'static str),
        b: (&'static str, &'static str),
        there: &'static str,
        back: &'static str,
    ) -> (Seq, HopEntry<'static>) {
        let end = |(ip, place): (&'static str, &'static str)| EndEntry { ip: ip.into(), place: place.into() };
        let way = |segment: &'static str| WayEntry { segment: Text::from(segment), ..WayEntry::default() };
        let (a, b, a_to_b, b_to_a) = (end(a), end(b), way(there), way(back));
        (Seq(0), HopEntry { kind: "media".into(), a, b, a_to_b, b_to_a, ..HopEntry::default() })
    }

    const PHONE: (&str, &str) = ("10.0.0.7", "your_network");
    const SBC: (&str, &str) = ("198.51.100.4", "your_network");
    const MICROSOFT: (&str, &str) = ("52.114.75.24", "microsoft");

    #[test]
    fn hops_make_a_chain_whichever_way_they_were_seen() {
        let want = "10.0.0.7 (your_network) ─local─ 198.51.100.4 (your_network) ═expressroute═ 52.114.75.24 (microsoft)";
        let direct = [hop(PHONE, SBC, "local", "local"), hop(SBC, MICROSOFT, "expressroute", "expressroute")];
        assert_eq!(lines(&direct, "media"), [want]);
        let turned = [hop(MICROSOFT, SBC, "expressroute", "expressroute"), hop(PHONE, SBC, "local", "local")];
        assert_eq!(lines(&turned, "media"), [want]);
        assert_eq!(lines(&direct, "signalling"), Vec::<String>::new());
    }

    #[test]
    fn ways_that_differ_are_two_lines() {
        let hops = [hop(SBC, MICROSOFT, "expressroute", "internet")];
        assert_eq!(
            lines(&hops, "media"),
            [
                "→ 198.51.100.4 (your_network) ═expressroute═ 52.114.75.24 (microsoft)",
                "← 198.51.100.4 (your_network) ─internet─ 52.114.75.24 (microsoft)"
            ]
        );
    }

    #[test]
    fn parts_without_a_host_in_common_and_rings_come_to_an_end() {
        let apart = [hop(PHONE, SBC, "local", "local"), hop(("192.0.2.1", "internet"), MICROSOFT, "internet", "internet")];
        assert_eq!(lines(&apart, "media").len(), 2);
        let ring =
            [hop(PHONE, SBC, "local", "local"), hop(SBC, MICROSOFT, "internet", "internet"), hop(PHONE, MICROSOFT, "internet", "internet")];
        assert_eq!(lines(&ring, "media").len(), 1);
        assert_eq!(lines(&[hop(SBC, SBC, "local", "local")], "media").len(), 1);
    }
}
