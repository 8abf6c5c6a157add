//! A plain RTP packet as a stream sees it: one cache line, with no reference into an input.

use crate::decode::{Dir, FlowKey, Link, MacPair, Plain, flow_key::Words};
use crate::proto::rtp::{Header, Ssrc};
use crate::record::Head;
use crate::time::Timestamp;

/// Octets of the RTP header of a plain packet.
const HEADER: usize = 12;
/// Which bit of [`Beat::bits`] says that the packet goes down its flow, and which that its frame had a VLAN tag.
const DOWN: u8 = 1;
const TAGGED: u8 = 2;
/// Which says that a record before it was captured later.
const LATE: u8 = 4;

/// A plain RTP packet, and which record of its window carried it.
#[derive(Debug, Clone, Copy)]
pub struct Beat {
    /// Transport 5-tuple.
    pub flow: Words,
    /// The first eight octets of the RTP payload.
    pub head: u64,
    /// Own capture time.
    pub at: Timestamp,
    /// Link-layer addresses.
    pub macs: MacPair,
    /// Synchronisation source.
    pub ssrc: u32,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Sequence number.
    pub sequence: u16,
    /// Length of the UDP payload.
    pub len: u16,
    /// Index of its record in the window; a window has no more records than this can number.
    pub index: u16,
    /// Tap and tunnels, by the chunk's own numbers.
    pub view: u16,
    /// Second octet of the RTP header: marker and payload type.
    pub second: u8,
    /// Time to live.
    pub ttl: u8,
    /// Code point.
    pub dscp: u8,
    bits: u8,
}

impl Beat {
    /// Of the packet in record `index` of the window, which has this head, seen through `view`.
    #[inline(always)]
    pub fn new(plain: &Plain, head: &Head, index: u16, view: u16) -> Self {
        let down = if plain.dir == Dir::Down { DOWN } else { 0 };
        let tagged = if plain.is_tagged() { TAGGED } else { 0 };
        let late = if head.clock == head.at { 0 } else { LATE };
        Self {
            flow: plain.flow,
            head: plain.head,
            at: head.at,
            macs: plain.macs,
            ssrc: plain.ssrc,
            timestamp: plain.timestamp,
            sequence: plain.sequence,
            len: plain.len,
            index,
            view,
            second: plain.second,
            ttl: plain.ttl,
            dscp: plain.dscp,
            bits: down | tagged | late,
        }
    }

    /// Which way through its flow.
    #[inline(always)]
    pub fn dir(&self) -> Dir {
        if self.bits & DOWN == 0 { Dir::Up } else { Dir::Down }
    }

    /// The clock is its own capture time.
    #[inline(always)]
    pub fn is_on_time(&self) -> bool {
        self.bits & LATE == 0
    }

    /// The flow.
    #[inline(always)]
    pub fn key(&self) -> FlowKey {
        self.flow.key()
    }

    /// Facts of its direction.
    pub fn link(&self) -> Link {
        Link { macs: self.macs, ttl: self.ttl, dscp: self.dscp }
    }

    /// Payload type.
    #[inline(always)]
    pub fn payload_type(&self) -> u8 {
        self.second & 0x7f
    }

    /// Its RTP header.
    pub fn header(&self) -> Header {
        Header {
            marker: self.second & 0x80 != 0,
            payload_type: self.payload_type(),
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: Ssrc(self.ssrc),
            payload_offset: HEADER,
            payload_len: usize::from(self.len).saturating_sub(HEADER),
            head: self.head,
        }
    }

    /// The UDP payload in the frame that it was read from.
    pub fn payload<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        let offset = Plain::offset(self.bits & TAGGED != 0);
        frame.get(offset..offset + usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_cache_line() {
        assert_eq!(size_of::<Beat>(), 64);
    }
}
