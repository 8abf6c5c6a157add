//! What the tests of paths share: a small organisation, and sightings in a line each.

use super::Sighting;
use crate::time::{Span, Timestamp};
use crate::topology::{Mac, MacPair, TapFacts, Topology};
use std::net::IpAddr;

/// 2026-11-20, when the newest list is valid.
pub(super) const START: Timestamp = Timestamp(1_795_132_800_000_000_000);

pub(super) const SBC: &str = "198.51.100.4";
pub(super) const PROXY: &str = "52.114.75.24";

/// Interfaces er, er2, isp, isp2 at the edge, lan within, new not yet known.
pub(super) const EDGE: &str = "
[[sbc]]
id = 'sbc'
place = 'your_network'
signalling = ['198.51.100.4']
[[prefix]]
cidr = '10.0.0.0/8'
place = 'your_network'
[[link]]
id = 'er-1'
segment = 'expressroute'
interface = ['er']
[[link]]
id = 'er-2'
segment = 'expressroute'
interface = ['er2']
[[link]]
id = 'isp-1'
segment = 'internet'
interface = ['isp']
[[link]]
id = 'isp-2'
segment = 'internet'
interface = ['isp2']
[[link]]
id = 'lan'
segment = 'your_network'
interface = ['lan']
[[link]]
id = 'new'
segment = '?'
interface = ['new']
";

pub(super) fn topology(texts: &[&str]) -> Topology {
    Topology::parse(&texts.concat(), "t.toml").unwrap()
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// `packets` at `interface` from `first` to `last` in seconds.
pub(super) fn seen(interface: &'static str, first: f64, last: f64, packets: u64) -> Sighting<'static> {
    let at = |seconds: f64| START + Span((seconds * 1e9) as i64);
    let tap_id = interface.bytes().fold(0_u32, |id, byte| id.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let tap = TapFacts { interface: Some(interface), ..TapFacts::default() };
    Sighting {
        tap,
        tap_id,
        macs: MacPair::default(),
        peering: None,
        ttl: 64,
        first: at(first),
        last: at(last),
        packets,
        bytes: packets.saturating_mul(214),
    }
}

pub(super) fn with_macs(sighting: Sighting<'static>, src: Mac, dst: Mac) -> Sighting<'static> {
    Sighting { macs: MacPair { src, dst }, ..sighting }
}
