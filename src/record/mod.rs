//! Records: the captured frames of all inputs in the one merged order, the only order and the only clock there are.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use crate::input::Block;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

mod bytes;
mod idb;
pub mod inputs;
pub mod merge;
mod pcap;
mod pcapng;
pub mod secrets;
pub mod source;
#[cfg(test)]
mod synth;
mod tally;
mod walk;

pub use inputs::InputReport;
pub use merge::{Merge, Options};
pub use source::{SameLink, Sources};

/// A record as it is printed: the index of its input and its number there, from 1, as Wireshark's `frame.number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct RecordId {
    /// Index into `inputs[]`.
    pub input: u32,
    /// Number within that input, from 1.
    pub number: u64,
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.input, self.number)
    }
}

/// Position in the merged order, from 0. Merge key: running maximum of the input's timestamps, input index, number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Seq(pub u64);

/// An input, or a chain of rotated inputs that follow one another on the same interfaces; from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct SourceId(pub u32);

/// Index into the run's table of interfaces ([`Interface`]); unique over all sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct InterfaceId(pub u32);

/// Link type of an interface, the number of the tcpdump.org registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte family in the byte order of the capturing host.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// PPP, with or without HDLC's address and control.
    pub const PPP: LinkType = LinkType(9);
    /// PPP in HDLC framing, or Cisco's HDLC.
    pub const PPP_HDLC: LinkType = LinkType(50);
    /// PPPoE session packets without Ethernet.
    pub const PPP_ETHER: LinkType = LinkType(51);
    /// Cisco's HDLC.
    pub const C_HDLC: LinkType = LinkType(104);
    /// PPP behind an octet that tells the direction.
    pub const PPP_WITH_DIR: LinkType = LinkType(204);
    /// MPLS without a link layer.
    pub const MPLS: LinkType = LinkType(219);
    /// Raw IP, in the number most writers use.
    pub const RAW: LinkType = LinkType(101);
    /// OpenBSD loopback: a 4-byte family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux cooked capture v1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// IPv4 without a link layer.
    pub const IPV4: LinkType = LinkType(228);
    /// IPv6 without a link layer.
    pub const IPV6: LinkType = LinkType(229);
    /// PDUs that Wireshark exported: tags in place of headers, then what a dissector was given.
    pub const WIRESHARK_UPPER_PDU: LinkType = LinkType(252);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: LinkType = LinkType(276);
}

/// An interface as an input describes it. A pcap file has one, without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The source it belongs to.
    pub source: SourceId,
    /// Index within its input: the pcapng interface id, 0 for pcap.
    pub index: u32,
    /// `if_name`, if the input says one.
    pub name: Option<String>,
    /// `if_description`, if the input says one.
    pub description: Option<String>,
    /// Link type of its records.
    pub link: LinkType,
    /// Most bytes captured of a record; 0 means no limit.
    pub snaplen: u32,
    /// Packets the capturing system dropped on it, from interface statistics (`isb_ifdrop` + `isb_osdrop`).
    pub dropped: u64,
}

/// One captured frame, borrowed from its window.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// As printed.
    pub id: RecordId,
    /// Position in the merged order.
    pub seq: Seq,
    /// Its own capture time: what reports print.
    pub at: Timestamp,
    /// Running maximum of capture time up to here: what timers look at.
    pub clock: Timestamp,
    /// The interface that captured it, and through it the source.
    pub interface: InterfaceId,
    /// Link type of `bytes`.
    pub link: LinkType,
    /// Length on the wire in bytes; never below `bytes.len()`.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
}

/// Where a record lies in its window, and what is known of it without decoding.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Own capture time.
    pub at: Timestamp,
    /// Running maximum of capture time.
    pub clock: Timestamp,
    /// Number in its input, from 1.
    pub number: u64,
    /// Offset of the captured bytes in the block.
    pub offset: u64,
    /// Captured length in bytes.
    pub len: u32,
    /// Length on the wire in bytes.
    pub wire_len: u32,
    /// Index into the window's blocks.
    pub block: u32,
    /// Index of the input.
    pub input: u32,
    /// The interface.
    pub interface: InterfaceId,
    /// Link type.
    pub link: LinkType,
}

/// Consecutive records of the merged order, with the blocks that hold their bytes.
#[derive(Default)]
pub struct Window {
    /// Blocks that heads point into.
    pub blocks: Vec<Block>,
    /// One head a record, in order.
    pub heads: Vec<Head>,
    /// Seq of the first head.
    pub first: Seq,
    /// Key logs that stood between the records.
    pub secrets: Vec<secrets::Text>,
}

impl Window {
    /// The bytes of a block; none where there is no such block.
    pub fn block(&self, number: u32) -> &[u8] {
        self.blocks.get(number as usize).map_or(&[], |block| (**block).as_ref())
    }

    /// The `i`-th record; `None` past the end or when a head points outside its block.
    pub fn record(&self, i: usize) -> Option<Record<'_>> {
        let head = self.heads.get(i)?;
        let block = self.block(head.block);
        let start = usize::try_from(head.offset).ok()?;
        let bytes = block.get(start..start.checked_add(head.len as usize)?)?;
        Some(Record {
            id: RecordId { input: head.input, number: head.number },
            seq: Seq(self.first.0 + i as u64),
            at: head.at,
            clock: head.clock,
            interface: head.interface,
            link: head.link,
            wire_len: head.wire_len,
            bytes,
        })
    }
}
