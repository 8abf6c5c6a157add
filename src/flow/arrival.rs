//! One RTP packet as the statistics see it: owned, so that a candidate can wait for the second packet of its stream.

use crate::decode::Packet;
use crate::flow::seen::Seen;
use crate::proto::rtp::Header;
use serde::{Deserialize, Serialize};

/// What is counted of an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The sighting.
    pub seen: Seen,
    /// The first 8 payload bytes, zero where there are fewer.
    pub head: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Bytes of the UDP payload on the wire, RTP header included.
    pub bytes: u32,
    /// Bytes of the RTP payload on the wire.
    pub payload_len: u32,
    /// RTP sequence number.
    pub sequence: u16,
    /// Payload type.
    pub payload_type: u8,
    /// Marker bit.
    pub marker: bool,
}

impl Arrival {
    /// The arrival of `packet`, whose payload begins with `header`.
    #[inline]
    pub fn of(packet: &Packet<'_>, header: &Header) -> Self {
        Self {
            seen: Seen::of(packet),
            head: header.head,
            timestamp: header.timestamp,
            bytes: u32::try_from(packet.payload.len()).unwrap_or(u32::MAX).saturating_add(packet.cut),
            payload_len: header.payload_len as u32,
            sequence: header.sequence,
            payload_type: header.payload_type,
            marker: header.marker,
        }
    }
}
