//! Where the topology and the capture contradict one another, which is often the very fault: an SBC that is not heard, a stranger who
//! speaks for it, a link that no tap is, a tap on links of two segments.

use crate::topology::{Segment, TapFacts, Topology};
use std::fmt::Display;
use std::net::IpAddr;

/// Notes of each kind; of more the number is told.
const MOST: usize = 8;

/// What contradicts a topology that the user gave. `speakers` speak SIP with Microsoft; `taps` are all taps.
pub fn notes(topology: &Topology, speakers: &[IpAddr], taps: &[TapFacts<'_>]) -> Vec<String> {
    if topology.file.is_none() {
        return Vec::new();
    }
    let tables = &topology.tables;
    let named = || tables.sbcs.iter().filter(|sbc| !sbc.signalling.is_empty() && !speakers.is_empty());
    let silent = named().filter(|sbc| !speakers.iter().any(|ip| topology.sbc(*ip).is_some_and(|of| of.id.as_str() == sbc.id.as_str())));
    let silent = silent.map(|sbc| {
        let own = joined(sbc.signalling.iter());
        format!("sbc {} ({own}) speaks no SIP with Microsoft in this capture, and {} does", sbc.id, joined(speakers.iter().take(3)))
    });
    let strangers = speakers.iter().filter(|ip| named().next().is_some() && topology.sbc(**ip).is_none());
    let strangers = strangers.map(|ip| {
        format!("{ip} speaks SIP with Microsoft and is no address of an [[sbc]]: the topology lacks it, or translation gives the SBC another address")
    });
    let unseen = topology.links_of_no_tap(taps).into_iter().filter(|_| !taps.is_empty());
    let unseen =
        unseen.map(|link| format!("link {} is at no tap of this capture: no interface, tag stack and file fits its selectors", link.id));
    let torn = taps.iter().filter_map(|tap| {
        let links = topology.links_at(tap);
        let [one, other] = [Segment::Expressroute, Segment::Internet].map(|edge| links.iter().find(|link| *link.segment == edge));
        let (one, other) = (one?, other?);
        Some(format!(
            "{} is on link {} of expressroute and on link {} of internet: what it sees proves nothing",
            tap.describe(),
            one.id,
            other.id
        ))
    });
    let mut notes = few(silent.collect(), "SBCs are not heard either");
    notes.extend(few(strangers.collect(), "addresses are no [[sbc]]'s either"));
    notes.extend(few(unseen.collect(), "links are at no tap either"));
    notes.extend(few(torn.collect(), "taps are on links of both segments too"));
    notes
}

/// The first few of the notes, and how many more there are.
pub(super) fn few(mut notes: Vec<String>, what: &str) -> Vec<String> {
    let more = notes.len().saturating_sub(MOST);
    notes.truncate(MOST);
    notes.extend((more > 0).then(|| format!("{more} more {what}")));
    notes
}

fn joined<T: Display>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
[[sbc]]
id = 'one'
place = 'your_network'
signalling = ['198.51.100.4']
[[link]]
id = 'er'
segment = 'expressroute'
interface = ['eth2']
mac = ['00:00:5e:00:01:0a']
";

    fn told(speakers: &[&str], interface: &str) -> Vec<String> {
        let speakers: Vec<IpAddr> = speakers.iter().map(|ip| ip.parse().unwrap()).collect();
        let taps = [TapFacts { interface: Some(interface), ..TapFacts::default() }];
        notes(&Topology::parse(FILE, "t.toml").unwrap(), &speakers, &taps)
    }

    #[test]
    fn what_fits_is_not_told_and_neither_is_what_the_capture_cannot_show() {
        assert_eq!(told(&["198.51.100.4"], "eth2"), Vec::<String>::new());
        assert_eq!(told(&[], "eth2"), Vec::<String>::new());
        assert_eq!(notes(&Topology::built_in(), &["198.51.100.9".parse().unwrap()], &[]), Vec::<String>::new());
    }

    #[test]
    fn an_sbc_that_is_not_heard_its_stranger_and_a_link_without_a_tap_are_told() {
        let notes = told(&["198.51.100.9"], "eth3");
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert_eq!(notes[0], "sbc one (198.51.100.4) speaks no SIP with Microsoft in this capture, and 198.51.100.9 does");
        assert!(notes[1].starts_with("198.51.100.9 speaks SIP with Microsoft and is no address of an [[sbc]]: "), "{notes:?}");
        assert!(notes[2].starts_with("link er is at no tap of this capture: "), "{notes:?}");
    }

    #[test]
    fn a_tap_on_links_of_two_segments_is_told() {
        let two = "[[link]]\nid = 'er'\nsegment = 'expressroute'\nvlan = [[7]]\n[[link]]\nid = 'isp'\nsegment = 'internet'\nvlan = [[7]]\n\
            [[link]]\nid = 'by-mac'\nsegment = 'expressroute'\nvlan = [[8]]\nmac = ['00:00:5e:00:01:0a']\n\
            [[link]]\nid = 'isp-8'\nsegment = 'internet'\nvlan = [[8]]\n";
        let taps = [7, 8].map(|_| TapFacts::default());
        let taps = [TapFacts { vlan: &[7], ..taps[0] }, TapFacts { vlan: &[8], ..taps[1] }];
        let told = notes(&Topology::parse(two, "t.toml").unwrap(), &[], &taps);
        assert_eq!(told, ["vlan [7] is on link er of expressroute and on link isp of internet: what it sees proves nothing"]);
    }

    #[test]
    fn of_many_a_few_are_told() {
        let many: Vec<String> = (0..60).map(|n| format!("203.0.113.{n}")).collect();
        let notes = told(&many.iter().map(String::as_str).collect::<Vec<_>>(), "eth2");
        assert_eq!((notes.len(), notes[9].as_str()), (10, "52 more addresses are no [[sbc]]'s either"));
    }
}
