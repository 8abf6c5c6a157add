//! What stood around a packet: the tap that saw it, and the tunnels it came through.

use crate::record::InterfaceId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::fmt;
use std::net::IpAddr;

/// All that decode learns of a frame beside its packet. Set anew for each frame.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Outer {
    /// Where it was seen.
    pub tap: TapKey,
    /// What it came through, outer to inner.
    pub tunnels: Tunnels,
    /// What was said of the packet by who did not see it here, where that is so.
    pub agent: Option<Box<Agent>>,
}

impl Outer {
    /// Before the first layer of a frame of this interface.
    pub fn reset(&mut self, interface: InterfaceId) {
        self.tap.interface = interface;
        self.tap.ifindex = None;
        self.tap.vlan.clear();
        self.tap.mirror.clear();
        self.tunnels.clear();
        self.agent = None;
    }
}

/// What a tap is known by before it has a number: interface, VLAN stack (outer to inner, 12-bit ids) and the encapsulation of the
/// mirror that sent it. The SLL2 interface index stands for an interface of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TapKey {
    /// The capturing interface, and through it the source.
    pub interface: InterfaceId,
    /// Interface index of a Linux cooked v2 header, where there is one.
    pub ifindex: Option<u32>,
    /// VLAN ids, outer to inner, those outside a mirror encapsulation first.
    pub vlan: SmallVec<[u16; 2]>,
    /// Mirror encapsulations, outer to inner.
    pub mirror: SmallVec<[Mirror; 1]>,
}

/// An encapsulation that mirrors use: whoever sends it is a point of observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mirror {
    /// Its form.
    pub kind: MirrorKind,
    /// Which of several: ERSPAN session, VXLAN or GENEVE network, GRE key, HEP capture id; `None` where it has none.
    pub id: Option<u32>,
    /// Addresses of its two ends, the lower first: answers come back through the same tap.
    pub ends: Option<(IpAddr, IpAddr)>,
}

/// Forms of mirror encapsulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MirrorKind {
    /// ERSPAN type I: Ethernet in GRE without a header of its own.
    Erspan1,
    /// ERSPAN type II.
    Erspan2,
    /// ERSPAN type III.
    Erspan3,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// Ethernet in GRE (RFC 2784, RFC 2890).
    Gre,
    /// Homer Encapsulation Protocol.
    Hep,
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number) = match self.kind {
            MirrorKind::Erspan1 => ("erspan I", "session"),
            MirrorKind::Erspan2 => ("erspan II", "session"),
            MirrorKind::Erspan3 => ("erspan III", "session"),
            MirrorKind::Vxlan => ("vxlan", "vni"),
            MirrorKind::Geneve => ("geneve", "vni"),
            MirrorKind::Gre => ("gre", "key"),
            MirrorKind::Hep => ("hep", "agent"),
        };
        f.write_str(name)?;
        if let Some(id) = self.id {
            write!(f, " {number} {id}")?;
        }
        match self.ends {
            Some((a, b)) => write!(f, ", {a} and {b}"),
            None => Ok(()),
        }
    }
}

/// Tunnels that a packet came through, outer to inner.
pub type Tunnels = SmallVec<[Tunnel; 1]>;

/// A header around the packet that says which way it went, and nothing about who saw it: facts of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tunnel {
    /// Its form.
    pub kind: TunnelKind,
    /// Which of several: MPLS label, GRE key, GTP TEID, PPPoE or L2TP session; `None` where it has none.
    pub id: Option<u32>,
    /// Sender and receiver of the outer IP header, if there is one.
    pub ends: Option<(IpAddr, IpAddr)>,
}

/// Forms of tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TunnelKind {
    /// An MPLS label (RFC 3032).
    Mpls,
    /// PPPoE (RFC 2516).
    Pppoe,
    /// IP, PPP or MPLS in GRE (RFC 2784).
    Gre,
    /// IPv4 or IPv6 in IPv4 or IPv6 (RFC 2003, RFC 2473, RFC 4213).
    Ip,
    /// GTP-U (3GPP TS 29.281).
    Gtp,
    /// L2TP version 2 (RFC 2661).
    L2tp,
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number) = match self.kind {
            TunnelKind::Mpls => ("mpls", "label"),
            TunnelKind::Pppoe => ("pppoe", "session"),
            TunnelKind::Gre => ("gre", "key"),
            TunnelKind::Ip => ("ip", ""),
            TunnelKind::Gtp => ("gtp", "teid"),
            TunnelKind::L2tp => ("l2tp", "session"),
        };
        f.write_str(name)?;
        if let Some(id) = self.id {
            write!(f, " {number} {id}")?;
        }
        match self.ends {
            Some((src, dst)) => write!(f, ", {src} to {dst}"),
            None => Ok(()),
        }
    }
}

/// What is said of a packet whose own headers are not there: by a capture agent that saw it elsewhere and sent it on, or by the program
/// that exported it from another capture. What carried its payload on the wire, and whether that was encrypted, is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Agent {
    /// When it saw the packet, by its own clock.
    pub at: Option<Timestamp>,
    /// What it says the packet belongs to: a Call-ID or a name of its own.
    pub correlation: Option<Box<[u8]>>,
    /// Where the packet stands among exported PDUs, if it is one.
    pub pdu: Option<Pdu>,
}

/// Where an exported PDU stands: a dissector exports what it was given, and the one within that exports the same bytes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pdu {
    /// Number of the frame that completed it in the capture that it was exported from.
    pub frame: Option<u32>,
    /// The dissector of messages exported it; what stands around that exported its bytes before, if it exports.
    pub inner: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_and_tunnels_say_which_they_are() {
        let ends = Some((IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])));
        let mirror = Mirror { kind: MirrorKind::Erspan2, id: Some(7), ends };
        assert_eq!(mirror.to_string(), "erspan II session 7, 192.0.2.1 and 192.0.2.2");
        assert_eq!(Mirror { kind: MirrorKind::Hep, id: None, ends: None }.to_string(), "hep");
        assert_eq!(Tunnel { kind: TunnelKind::Ip, id: None, ends }.to_string(), "ip, 192.0.2.1 to 192.0.2.2");
        assert_eq!(Tunnel { kind: TunnelKind::Mpls, id: Some(16), ends: None }.to_string(), "mpls label 16");
    }
}
