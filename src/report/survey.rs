//! What a call or a connection shows of the network around it: which hosts speak with Microsoft, over which taps and gateways.

use crate::topology::Mac;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What one call or one connection shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Survey {
    /// Packets between Microsoft and others, by host, tap and gateway.
    pub runs: Vec<RunEntry>,
    /// Names that hosts go by.
    pub names: Vec<NameEntry>,
    /// Ports on which SBCs listen for Microsoft.
    pub ports: Vec<(IpAddr, u16)>,
    /// Legs on the other side of an SBC.
    pub peers: Vec<PeerEntry>,
    /// Addresses of private space that speak.
    pub private: Vec<IpAddr>,
    /// Clouds of Microsoft's ends.
    pub clouds: Vec<String>,
}

/// Packets of one direction between a host and Microsoft, at one tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry {
    /// The end that is not Microsoft's.
    pub host: IpAddr,
    /// Who the host is.
    pub role: HostRole,
    /// To Microsoft.
    pub outbound: bool,
    /// The tap's id in the report.
    pub tap: u32,
    /// The receiver on the wire going out, the sender coming in.
    pub gateway: Mac,
    /// How many.
    pub packets: u64,
}

/// What shows who a host is that speaks with Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HostRole {
    /// It is an SBC: SIP, or TLS between it and a SIP proxy.
    Signalling,
    /// Media of a call of the SBC with this address.
    MediaOf(IpAddr),
    /// Media or TLS of nobody knows whom, clients included.
    Unknown,
}

/// A name that a host goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameEntry {
    /// The host.
    pub host: IpAddr,
    /// The name, in lower case.
    pub name: String,
    /// Where it stands: Contact, certificate, server name.
    pub by: String,
}

/// A leg on the other side of an SBC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerEntry {
    /// The SBC's address towards Microsoft.
    pub sbc: IpAddr,
    /// Its address on this leg, as the order of legs tells.
    pub inner: IpAddr,
    /// The other end.
    pub peer: IpAddr,
}
