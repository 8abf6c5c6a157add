//! What name servers were asked, and what they said.

use super::{Connection, Seen, tls};
use crate::decode::{Packet, TapId};
use crate::proto::dns::{self, Dns};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One question or answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// The name, in lower case.
    pub name: String,
    /// Its addresses; none of a question.
    pub addresses: SmallVec<[IpAddr; 2]>,
    /// Who asks.
    pub client: IpAddr,
    /// Where it was seen.
    pub seen: Seen,
}

impl Lookup {
    /// What a DNS message tells of names and addresses: an answer that has some, or a question for a name of the service.
    pub fn of(packet: &Packet<'_>) -> Option<Self> {
        let Dns { is_response, name, addresses } = Dns::read(packet.payload)?;
        let (src, dst) = packet.flow.from_to(packet.dir);
        let client = if is_response { dst } else { src };
        let tells = if is_response { !addresses.is_empty() } else { tls::is_service(&name) };
        tells.then(|| Self { name, addresses, client: client.ip(), seen: Seen::of(packet) })
    }
}

/// Pairs of client and name server that are remembered.
const MOST_PAIRS: usize = 1024;

/// Who was seen at which tap to ask a name server: each is told of once.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Askers(BTreeSet<(IpAddr, IpAddr, TapId)>);

impl Askers {
    /// The flow of a question to a name server, if this client was not seen at this tap to ask it before.
    pub fn first(&mut self, packet: &Packet<'_>) -> Option<Connection> {
        let (src, dst) = packet.flow.from_to(packet.dir);
        let is_question = dst.port() == dns::PORT && packet.payload.get(2).is_some_and(|flags| flags & 0x80 == 0);
        let pair = (src.ip(), dst.ip(), packet.tap);
        if !is_question || self.0.len() >= MOST_PAIRS || !self.0.insert(pair) {
            return None;
        }
        let mut flow = Connection::open(packet);
        flow.count(packet);
        Some(flow)
    }
}
