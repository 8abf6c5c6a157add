//! A connection between an SBC and Microsoft: which end is which.

use crate::decode::Dir;
use crate::flow::{Connection, HTTPS_PORT};
use crate::topology::Topology;
use std::net::SocketAddr;

/// TCP.
const TCP: u8 = 6;

/// The two ends.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'c> {
    /// The connection.
    pub connection: &'c Connection,
    /// The SBC.
    pub sbc: SocketAddr,
    /// Microsoft.
    pub microsoft: SocketAddr,
    /// Direction of what the SBC sends.
    pub from_sbc: Dir,
}

impl<'c> Parties<'c> {
    /// The ends of a TCP connection that is Direct Routing: one of them is in a signalling prefix of Microsoft's, else the handshake says
    /// that it is the service.
    pub fn of(connection: &'c Connection, topology: &Topology) -> Option<Self> {
        let flow = connection.id.flow;
        let is_microsoft = |dir: Dir| topology.is_microsoft_signalling(flow.from_to(dir).0.ip(), connection.first.at);
        let from_microsoft = match (is_microsoft(Dir::Up), is_microsoft(Dir::Down)) {
            (true, false) => Dir::Up,
            (false, true) => Dir::Down,
            (true, true) => return None,
            (false, false) => connection.tls.as_ref()?.from_service()?,
        };
        let (microsoft, sbc) = flow.from_to(from_microsoft);
        let is_signalling = flow.protocol() == TCP && microsoft.port() != HTTPS_PORT;
        is_signalling.then_some(Self { connection, sbc, microsoft, from_sbc: from_microsoft.reverse() })
    }

    /// Which way its opener sends, where its TCP handshake shows that.
    pub fn opener(&self) -> Option<Dir> {
        Some(self.connection.opener).filter(|_| self.connection.opening.is_seen())
    }
}
