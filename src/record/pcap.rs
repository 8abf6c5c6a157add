//! The classic capture format of libpcap (draft-ietf-opsawg-pcap): µs, ns and the modified (Kuznetzov) variant, in both byte orders.

use super::bytes::Order;
use super::tally::{Found, Pass, Stop};
use super::{InterfaceId, LinkType};
use crate::prefetch::Ahead;
use crate::time::Timestamp;

/// Length of the file header.
pub const HEADER_LEN: usize = 24;
/// Longest record there can be: libpcap's and Wireshark's own sanity limit. A header's snaplen is no limit: writers exceed it.
pub const LONGEST: usize = 256 << 10;

/// What the file header says, and the walk over the records that follow it.
#[derive(Debug, Clone)]
pub struct Pcap {
    order: Order,
    /// Nanoseconds of one unit of the second time field.
    unit: i64,
    /// Length of a record header: 16, in the modified variant 24.
    record_header: usize,
    /// Link type of all records.
    pub link: LinkType,
    /// As the header has it; 0 means no limit.
    pub snaplen: u32,
    /// Set when the source is known.
    pub interface: InterfaceId,
}

impl Pcap {
    /// Reads a file header; `None` when it is none.
    pub fn open(header: &[u8]) -> Option<Pcap> {
        let magic: [u8; 4] = *header.first_chunk()?;
        let (order, magic) = match magic[0] {
            0xa1 => (Order::Big, u32::from_be_bytes(magic)),
            _ => (Order::Little, u32::from_le_bytes(magic)),
        };
        let (unit, record_header) = match magic {
            0xa1b2_c3d4 => (1_000, 16),
            0xa1b2_3c4d => (1, 16),
            0xa1b2_cd34 => (1_000, 24),
            _ => return None,
        };
        // The upper half of the network field tells of frame check sequences.
        let link = LinkType(order.u32_at(header, 20)? as u16);
        Some(Pcap { order, unit, record_header, link, snaplen: order.u32_at(header, 16)?, interface: InterfaceId::default() })
    }

    /// What to say of record `number`, of which `have` of `need` bytes are left in the file: damage where its length is beyond what the
    /// header allows, else `None`, for the file may just be cut.
    pub fn beyond(&self, number: u64, have: usize, need: usize) -> Option<String> {
        let (len, most) = (u32::try_from(need.checked_sub(self.record_header)?).ok()?, self.snaplen);
        let is_read = have >= self.record_header && most > 0 && len > most;
        is_read.then(|| too_long(number, len, &format!("the file's snaplen of {most} and than what is left of it")))
    }

    /// Adds heads of records until the pass has enough, the limit is met or the block ends.
    pub fn fill(&self, pass: &mut Pass<'_>) -> Stop {
        match self.order {
            Order::Little => self.walk(pass, Order::Little),
            Order::Big => self.walk(pass, Order::Big),
        }
    }

    /// The inner loop, once for each byte order.
    #[inline(always)]
    fn walk(&self, pass: &mut Pass<'_>, order: Order) -> Stop {
        let mut ahead = Ahead::default();
        while pass.heads.len() < pass.full {
            ahead.at(pass.data, pass.pos);
            let Some(header) = pass.data.get(pass.pos..).and_then(|rest| rest.first_chunk::<16>()) else {
                return Stop::More(self.record_header);
            };
            let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = *header;
            let len = order.u32([c0, c1, c2, c3]);
            if len as usize > LONGEST {
                return Stop::Bad(too_long(pass.tally.records + 1, len, &format!("a record can hold ({LONGEST})")));
            }
            let offset = pass.pos + self.record_header;
            let end = offset + len as usize;
            if end > pass.data.len() {
                return Stop::More(end - pass.pos);
            }
            let seconds = i64::from(order.u32([s0, s1, s2, s3]));
            let at = Timestamp(seconds * 1_000_000_000 + i64::from(order.u32([f0, f1, f2, f3])) * self.unit);
            let wire_len = order.u32([w0, w1, w2, w3]);
            if let Some(stop) = pass.admit(Found { at, offset, len, wire_len, interface: self.interface, link: self.link }) {
                return stop;
            }
            pass.pos = end;
        }
        Stop::Full
    }
}

/// What to say of record `number` that claims `len` bytes, more than `most` is.
fn too_long(number: u64, len: u32, most: &str) -> String {
    format!("record {number} claims {len} bytes, more than {most}: damaged from here on, all before was read; copy the file again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(magic: [u8; 4], network: [u8; 4]) -> Vec<u8> {
        [&magic[..], &[0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], &network].concat()
    }

    #[test]
    fn link_type_is_the_lower_half_of_the_network_field() {
        let pcap = Pcap::open(&header([0xa1, 0xb2, 0xc3, 0xd4], [0x24, 0, 1, 0x14])).unwrap();
        assert_eq!((pcap.link, pcap.snaplen), (LinkType::LINUX_SLL2, 256));
    }

    #[test]
    fn a_cut_or_foreign_header_opens_nothing() {
        let whole = header([0xa1, 0xb2, 0xcd, 0x34], [0, 0, 0, 1]);
        assert_eq!(Pcap::open(&whole).unwrap().record_header, 24);
        assert!((0..HEADER_LEN).all(|len| Pcap::open(&whole[..len]).is_none()));
        assert!(Pcap::open(&header([0xa1, 0xb2, 0xc3, 0xd5], [0, 0, 0, 1])).is_none());
    }
}
