//! Tunnels that the user knows, and which of them a packet came through.

use super::link::TapFacts;
use super::place::Segment;
use super::words::{At, Word, one_of, word};
use crate::decode::{self, MirrorKind};
use serde::Deserialize;
use std::net::IpAddr;

/// `[[tunnel]]`: an encapsulation and what its inner packets cross.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tunnel {
    /// The encapsulation.
    #[serde(deserialize_with = "word")]
    pub kind: TunnelKind,
    /// The two outer addresses.
    pub ends: Vec<At<IpAddr>>,
    /// Segment of the packets inside.
    pub segment: At<Segment>,
}

/// What `tunnel.kind` can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TunnelKind {
    /// RFC 2784.
    Gre,
    /// RFC 7348.
    Vxlan,
    /// WireGuard: the inner packets cannot be read.
    Wireguard,
    /// RFC 3032.
    Mpls,
    /// Encapsulation of a mirror port, removed before analysis.
    Mirror,
    /// RFC 4301: the inner packets cannot be read.
    Ipsec,
}

impl Word for TunnelKind {
    const WHAT: &'static str = "a tunnel kind";
    fn word(text: &str) -> Result<Self, String> {
        let known = [
            ("gre", Self::Gre),
            ("vxlan", Self::Vxlan),
            ("wireguard", Self::Wireguard),
            ("mpls", Self::Mpls),
            ("mirror", Self::Mirror),
            ("ipsec", Self::Ipsec),
        ];
        one_of("tunnel kind", text, &known)
    }
}

impl Tunnel {
    /// `gre tunnel between 198.51.100.9 and 203.0.113.77 (M11)`, the method as call-flows section 5 numbers it.
    pub fn basis(&self) -> String {
        let ends: Vec<String> = self.ends.iter().map(|end| end.to_string()).collect();
        format!("{} tunnel between {} (M11)", self.kind.as_str(), ends.join(" and "))
    }

    /// What stands around a packet is this tunnel. One whose packets are encrypted shows none of them.
    fn is(&self, kind: TunnelKind, ends: Option<(IpAddr, IpAddr)>) -> bool {
        let named = |end: &IpAddr| self.ends.iter().any(|own| **own == *end);
        self.kind == kind && ends.is_some_and(|(a, b)| named(&a) && named(&b))
    }
}

impl TunnelKind {
    /// As files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            TunnelKind::Gre => "gre",
            TunnelKind::Vxlan => "vxlan",
            TunnelKind::Wireguard => "wireguard",
            TunnelKind::Mpls => "mpls",
            TunnelKind::Mirror => "mirror",
            TunnelKind::Ipsec => "ipsec",
        }
    }

    fn of_tunnel(kind: decode::TunnelKind) -> Option<Self> {
        match kind {
            decode::TunnelKind::Gre => Some(TunnelKind::Gre),
            decode::TunnelKind::Mpls => Some(TunnelKind::Mpls),
            _ => None,
        }
    }

    /// What mirrors use, tunnels use as well; only the file can tell them apart.
    fn of_mirror(kind: MirrorKind) -> Option<Self> {
        match kind {
            MirrorKind::Vxlan => Some(TunnelKind::Vxlan),
            MirrorKind::Gre => Some(TunnelKind::Gre),
            _ => None,
        }
    }
}

/// The innermost of the tunnels around a packet that the file knows; those that carry copies of a mirror are none.
pub(super) fn tunnel<'t>(tunnels: &'t [Tunnel], tap: &TapFacts<'_>) -> Option<&'t Tunnel> {
    let known = |kind: Option<TunnelKind>, ends| tunnels.iter().find(|tunnel| kind.is_some_and(|kind| tunnel.is(kind, ends)));
    let inner = tap.tunnels.iter().rev().find_map(|around| known(TunnelKind::of_tunnel(around.kind), around.ends));
    inner.or_else(|| tap.mirror.iter().rev().find_map(|around| known(TunnelKind::of_mirror(around.kind), around.ends)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Mirror;
    use crate::topology::Topology;

    const FILE: &str = "[[tunnel]]\nkind = 'gre'\nends = ['198.51.100.9', '203.0.113.77']\nsegment = 'expressroute'\n\
        [[tunnel]]\nkind = 'vxlan'\nends = ['10.0.0.1', '10.0.0.2']\nsegment = 'your_network'\n";

    fn ends(a: &str, b: &str) -> Option<(IpAddr, IpAddr)> {
        Some((a.parse().unwrap(), b.parse().unwrap()))
    }

    #[test]
    fn tunnel_is_known_by_kind_and_ends_in_either_direction() {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let of = |kind, ends| {
            let around = [decode::Tunnel { kind, id: None, ends }];
            topology.tunnel(&TapFacts { tunnels: &around, ..TapFacts::default() }).map(Tunnel::basis)
        };
        let basis = Some("gre tunnel between 198.51.100.9 and 203.0.113.77 (M11)".to_owned());
        assert_eq!(of(decode::TunnelKind::Gre, ends("203.0.113.77", "198.51.100.9")), basis);
        assert_eq!(of(decode::TunnelKind::Gre, ends("198.51.100.9", "203.0.113.77")), basis);
        assert_eq!(of(decode::TunnelKind::Ip, ends("198.51.100.9", "203.0.113.77")), None);
        assert_eq!(of(decode::TunnelKind::Gre, ends("198.51.100.9", "203.0.113.78")), None);
        assert_eq!(of(decode::TunnelKind::Gre, None), None);
    }

    #[test]
    fn what_mirrors_use_is_a_tunnel_where_the_file_says_so() {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let of = |ends| {
            let around = [Mirror { kind: MirrorKind::Vxlan, id: Some(1), ends }];
            topology.tunnel(&TapFacts { mirror: &around, ..TapFacts::default() }).map(|tunnel| *tunnel.segment)
        };
        assert_eq!(of(ends("10.0.0.1", "10.0.0.2")), Some(Segment::Local));
        assert_eq!(of(ends("10.0.0.1", "10.0.0.3")), None);
    }
}
