//! Physical links and how a packet is recognised as seen on one: by interface, tag stack, MAC and file name.

use super::network::Tables;
use super::place::Segment;
use super::words::{At, Mac, Word, list, mac_text, one_of, optional};
use crate::decode::{Mirror, Tunnel};
use crate::record::SameLink;
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// `[[link]]`: one physical link. All selectors given must match, any value of a list will do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its name, shown in evidence.
    pub id: At<String>,
    /// What its packets cross: expressroute (Microsoft peering), internet, local (inner links), unknown (`?`).
    pub segment: At<Segment>,
    /// Names of capture interfaces, or their numbers as text.
    #[serde(default, deserialize_with = "list")]
    pub interface: Vec<String>,
    /// Stacks of VLAN ids, outer to inner; an empty stack is an untagged frame.
    #[serde(default, deserialize_with = "stacks")]
    pub vlan: Vec<Vec<u16>>,
    /// MAC addresses of its edge routers, virtual and real.
    #[serde(default, deserialize_with = "list")]
    pub mac: Vec<Mac>,
    /// Patterns of capture file names.
    #[serde(default, deserialize_with = "list")]
    pub file: Vec<glob::Pattern>,
    /// On which side of address translation it lies.
    #[serde(default, deserialize_with = "optional")]
    pub nat_side: Option<LinkSide>,
    /// On which side of the firewall it lies.
    #[serde(default, deserialize_with = "optional")]
    pub firewall_side: Option<LinkSide>,
    /// What is usual on it.
    pub baseline: Option<Baseline>,
}

fn stacks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u16>>, D::Error> {
    let stacks = Vec::<Vec<u16>>::deserialize(deserializer)?;
    match stacks.iter().flatten().find(|id| **id > 4094) {
        Some(id) => {
            Err(D::Error::custom(format!("{id} is not a VLAN id: write numbers from 0 to 4094, as in vlan = [[1201], [400, 1201]]")))
        }
        None => Ok(stacks),
    }
}

impl Link {
    /// Whether any selector is given.
    pub(super) fn has_selector(&self) -> bool {
        !(self.interface.is_empty() && self.vlan.is_empty() && self.mac.is_empty() && self.file.is_empty())
    }
}

/// A side of a translator or a firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSide {
    /// Towards the organisation.
    Inside,
    /// Towards the provider.
    Outside,
}

impl Word for LinkSide {
    const WHAT: &'static str = "a side";
    fn word(text: &str) -> Result<Self, String> {
        one_of("side", text, &[("inside", Self::Inside), ("outside", Self::Outside)])
    }
}

/// What packets from one remote prefix usually look like on a link.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// TTL or hop limit on arrival.
    pub ttl: Option<u8>,
    /// Round-trip time in ms.
    pub rtt_ms: Option<u32>,
    /// The remote prefix.
    pub remote: At<IpNet>,
}

/// What a tap says about itself, for finding its link.
#[derive(Debug, Clone, Copy, Default)]
pub struct TapFacts<'a> {
    /// if_name, where the capture has one.
    pub interface: Option<&'a str>,
    /// Number of the interface in the capture, or the interface index of Linux cooked v2.
    pub interface_index: Option<u32>,
    /// VLAN ids, outer to inner.
    pub vlan: &'a [u16],
    /// File names of the tap's inputs.
    pub files: &'a [String],
    /// Encapsulations in which the packets came that mirrors use, outer to inner.
    pub mirror: &'a [Mirror],
    /// Tunnels that the packets came through, outer to inner.
    pub tunnels: &'a [Tunnel],
}

impl TapFacts<'_> {
    /// The tap in words, for saying which one no link names.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        match (self.interface, self.interface_index) {
            (Some(name), _) => parts.push(format!("interface '{name}'")),
            (None, Some(index)) => parts.push(format!("interface '{index}'")),
            (None, None) => {}
        }
        if !self.vlan.is_empty() {
            parts.push(format!("vlan {:?}", self.vlan));
        }
        if let Some(file) = self.files.first() {
            parts.push(format!("file '{}'", base_name(file)));
        }
        if parts.is_empty() { "a tap without a name".to_owned() } else { parts.join(", ") }
    }
}

/// The MACs of frames of one direction at one tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MacPair {
    /// Of the sender on the wire.
    pub src: Mac,
    /// Of the receiver on the wire.
    pub dst: Mac,
}

/// Which way packets go, seen from the organisation: it tells which MAC is the edge router's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    /// Out: the receiver is the router.
    Outbound,
    /// In: the sender is the router.
    Inbound,
    /// Not known: either may be.
    Either,
}

impl MacPair {
    /// The MACs that can be an edge router's.
    pub fn routers(self, heading: Heading) -> impl Iterator<Item = Mac> {
        let src = (heading != Heading::Outbound).then_some(self.src);
        let dst = (heading != Heading::Inbound).then_some(self.dst);
        src.into_iter().chain(dst)
    }
}

/// A link that packets were seen on, and the selectors that say so.
#[derive(Debug, Clone, Copy)]
pub struct LinkMatch<'t> {
    /// Position in [`Tables::links`].
    pub idx: usize,
    /// The link.
    pub link: &'t Link,
    /// The router's MAC, where the link selects by MAC.
    pub mac: Option<Mac>,
}

impl LinkMatch<'_> {
    /// `link er-primary by interface and mac (M1, M3)`, methods as call-flows section 5 numbers them.
    pub fn basis(&self) -> String {
        let link = self.link;
        let mac = self.mac.map(|mac| format!("mac {}", mac_text(mac))).unwrap_or_default();
        let given = [
            (!link.interface.is_empty(), "interface", "M1"),
            (!link.file.is_empty(), "file", "M1"),
            (!link.vlan.is_empty(), "vlan", "M2"),
            (self.mac.is_some(), &mac, "M3"),
        ];
        let words: Vec<&str> = given.iter().filter(|(is, ..)| *is).map(|(_, word, _)| *word).collect();
        let mut methods: Vec<&str> = given.iter().filter(|(is, ..)| *is).map(|(.., method)| *method).collect();
        methods.dedup();
        format!("link {} by {} ({})", link.id, words.join(" and "), methods.join(", "))
    }
}

/// The links whose selectors all match, in the order of the file.
pub(super) fn links<'t>(tables: &'t Tables, tap: &TapFacts<'_>, macs: MacPair, heading: Heading) -> Vec<LinkMatch<'t>> {
    let matching = |(idx, link): (usize, &'t Link)| {
        let mac = macs.routers(heading).find(|mac| link.mac.contains(mac));
        let seen = is_at(link, tap) && (link.mac.is_empty() || mac.is_some());
        seen.then_some(LinkMatch { idx, link, mac })
    };
    tables.links.iter().enumerate().filter_map(matching).collect()
}

/// The links that no tap can be, whatever MACs are seen there.
pub(super) fn of_no_tap<'t>(tables: &'t Tables, taps: &[TapFacts<'_>]) -> Vec<&'t Link> {
    tables.links.iter().filter(|link| !taps.iter().any(|tap| is_at(link, tap))).collect()
}

/// The links that a tap is on, whatever MACs are seen there: those that select by MAC are left out.
pub(super) fn links_at<'t>(tables: &'t Tables, tap: &TapFacts<'_>) -> Vec<&'t Link> {
    tables.links.iter().filter(|link| link.mac.is_empty() && is_at(link, tap)).collect()
}

/// All selectors but those of MACs match.
fn is_at(link: &Link, tap: &TapFacts<'_>) -> bool {
    has_interface(link, tap)
        && (link.vlan.is_empty() || link.vlan.iter().any(|stack| stack == tap.vlan))
        && (link.file.is_empty() || tap.files.iter().any(|file| has_file(link, file)))
}

fn has_interface(link: &Link, tap: &TapFacts<'_>) -> bool {
    let index = tap.interface_index.map(|index| index.to_string());
    link.interface.is_empty() || link.interface.iter().any(|name| Some(name.as_str()) == tap.interface || Some(name) == index.as_ref())
}

fn has_file(link: &Link, file: &str) -> bool {
    link.file.iter().any(|pattern| pattern.matches(file) || pattern.matches(base_name(file)))
}

/// Whether the `file` patterns of the links leave two paths on one link; two inputs that they part are two sources.
pub(super) fn same_link(tables: &Tables) -> SameLink {
    let links: Vec<Link> = tables.links.iter().filter(|link| !link.file.is_empty()).cloned().collect();
    Box::new(move |a, b| links.iter().all(|link| has_file(link, a) == has_file(link, b)))
}

fn base_name(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Topology;

    const VIRTUAL: Mac = [0, 0, 0x5e, 0, 1, 0x0a];
    const FIREWALL: Mac = [2, 0, 0, 0, 0, 1];

    fn found(links: &str, tap: TapFacts<'_>, macs: MacPair, heading: Heading) -> Vec<String> {
        let topology = Topology::parse(links, "t.toml").unwrap();
        topology.links(&tap, macs, heading).iter().map(LinkMatch::basis).collect()
    }

    #[test]
    fn every_selector_kind_given_must_match_and_any_value_will_do() {
        let link = "[[link]]\nid = 'er'\nsegment = 'expressroute'\ninterface = ['eth2', 'eth3']\nvlan = [[1201], [400, 1201]]\nfile = ['er-tap*.pcapng']\n";
        let files = ["/captures/er-tap-1.pcapng".to_owned()];
        let tap = TapFacts { interface: Some("eth3"), vlan: &[400, 1201], files: &files, ..TapFacts::default() };
        assert_eq!(found(link, tap, MacPair::default(), Heading::Either), ["link er by interface and file and vlan (M1, M2)"]);
        let reversed = TapFacts { vlan: &[1201, 400], ..tap };
        assert!(found(link, reversed, MacPair::default(), Heading::Either).is_empty());
        let other = TapFacts { files: &["isp.pcapng".to_owned()], ..tap };
        assert!(found(link, other, MacPair::default(), Heading::Either).is_empty());
    }

    #[test]
    fn interface_number_matches_as_text() {
        let link = "[[link]]\nid = 'isp'\nsegment = 'internet'\ninterface = ['7']\n";
        let tap = TapFacts { interface: Some("eth0"), interface_index: Some(7), ..TapFacts::default() };
        assert_eq!(found(link, tap, MacPair::default(), Heading::Either), ["link isp by interface (M1)"]);
    }

    #[test]
    fn router_mac_is_the_receiver_going_out_and_the_sender_coming_in() {
        let link = "[[link]]\nid = 'er'\nsegment = 'expressroute'\nmac = ['00:00:5e:00:01:0a']\n";
        let out = MacPair { src: FIREWALL, dst: VIRTUAL };
        let tap = TapFacts::default();
        assert_eq!(found(link, tap, out, Heading::Outbound), ["link er by mac 00:00:5e:00:01:0a (M3)"]);
        assert!(found(link, tap, out, Heading::Inbound).is_empty());
        assert_eq!(found(link, tap, out, Heading::Either).len(), 1);
    }

    #[test]
    fn empty_stack_means_untagged() {
        let link = "[[link]]\nid = 'lan'\nsegment = 'local'\nvlan = [[]]\n";
        let untagged = TapFacts::default();
        assert_eq!(found(link, untagged, MacPair::default(), Heading::Either).len(), 1);
        let tagged = TapFacts { vlan: &[1], ..untagged };
        assert!(found(link, tagged, MacPair::default(), Heading::Either).is_empty());
    }

    #[test]
    fn tap_is_described_by_what_it_knows() {
        let tap = TapFacts {
            interface: Some("eth3"),
            vlan: &[400, 1201],
            files: &["/a/b.pcap".to_owned()],
            interface_index: Some(1),
            ..TapFacts::default()
        };
        assert_eq!(tap.describe(), "interface 'eth3', vlan [400, 1201], file 'b.pcap'");
        assert_eq!(TapFacts::default().describe(), "a tap without a name");
    }
}
