//! A sighting: one record seen at one tap. The same packet seen at two taps is two sightings of one packet.

use crate::decode::{MacPair, Packet, TapId, TunnelsId};
use crate::record::{RecordId, Seq, SourceId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where and when a packet was seen, with the facts of that sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The record.
    pub id: RecordId,
    /// Its place in the merged order.
    pub seq: Seq,
    /// Its own capture time.
    pub at: Timestamp,
    /// The tap.
    pub tap: TapId,
    /// The source of that tap: within one source milliseconds count, between two only order does.
    pub source: SourceId,
    /// Tunnels that it came through there.
    pub tunnels: TunnelsId,
    /// Time to live there.
    pub ttl: u8,
    /// Code point there.
    pub dscp: u8,
    /// Link-layer addresses there.
    pub macs: MacPair,
}

impl Seen {
    /// The sighting of `packet`.
    pub fn of(packet: &Packet<'_>) -> Self {
        Self {
            id: packet.id,
            seq: packet.seq,
            at: packet.at,
            tap: packet.tap,
            source: packet.source,
            tunnels: packet.tunnels,
            ttl: packet.link.ttl,
            dscp: packet.link.dscp,
            macs: packet.link.macs,
        }
    }
}
