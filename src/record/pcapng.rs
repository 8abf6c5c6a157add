//! The pcapng format (draft-ietf-opsawg-pcapng): sections in either byte order, interfaces, packets of all three kinds.

use super::bytes::Order;
use super::idb::{Described, drops};
use super::secrets::{SECRETS, Text, key_log};
use super::source::Registry;
use super::tally::{Found, Pass, Stop};
use crate::prefetch::Ahead;
use crate::time::Timestamp;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Longest block there can be, Wireshark's own limit.
pub const LONGEST: usize = 16 << 20;
/// Type, length and repeated length: the least a block is.
const SHORTEST: usize = 12;
/// Where the bytes of an enhanced packet begin in its block; in the obsolete packet block they begin there too.
const PACKET_DATA: usize = 28;

/// The walk over the blocks of a file.
#[derive(Debug)]
pub struct Pcapng {
    order: Order,
    /// Interfaces of the current section.
    interfaces: Vec<Described>,
    /// Time of the last packet that had one: simple packets have none.
    last: Timestamp,
    /// Packets whose time is that of the packet before.
    pub timeless: u64,
    /// Key logs met since they were last asked for.
    pub secrets: Vec<Text>,
}

/// One block: its type and the bytes of all of it.
struct Whole<'a> {
    kind: u32,
    bytes: &'a [u8],
}

impl Pcapng {
    /// Stands before the first section header.
    pub fn new() -> Pcapng {
        Pcapng { order: Order::Little, interfaces: Vec::new(), last: Timestamp(0), timeless: 0, secrets: Vec::new() }
    }

    /// Interfaces of the current section.
    pub fn interfaces(&self) -> &[Described] {
        &self.interfaces
    }

    /// Gives the interfaces described so far their ids, now that the source is known.
    pub fn bind(&mut self, registry: &mut Registry<'_>) {
        for (index, described) in self.interfaces.iter_mut().enumerate() {
            described.id = registry.interface(index as u32, described);
        }
    }

    /// Adds heads of packets until the pass has enough, the limit is met or the block ends. `registry` numbers interfaces; it
    /// is absent while the source is not known.
    pub fn fill(&mut self, pass: &mut Pass<'_>, mut registry: Option<Registry<'_>>) -> Stop {
        let mut ahead = Ahead::default();
        while pass.heads.len() < pass.full {
            ahead.at(pass.data, pass.pos);
            let block = match self.next_block(pass) {
                Ok(block) => block,
                Err(stop) => return stop,
            };
            let found = match block.kind {
                ENHANCED_PACKET => self.packet(&block, pass.pos, false),
                SIMPLE_PACKET => self.simple_packet(&block, pass.pos),
                PACKET => self.packet(&block, pass.pos, true),
                _ => self.other(&block, &mut registry).map(|()| None),
            };
            let len = block.bytes.len();
            match found {
                Err(text) => return Stop::Bad(text),
                Ok(Some(found)) => {
                    let at = found.at;
                    if let Some(stop) = pass.admit(found) {
                        return stop;
                    }
                    self.timeless += u64::from(block.kind == SIMPLE_PACKET);
                    self.last = at;
                }
                Ok(None) => {}
            }
            pass.pos += len;
        }
        Stop::Full
    }

    /// The block at the pass's position, with its length checked.
    #[inline(always)]
    fn next_block<'a>(&self, pass: &Pass<'a>) -> Result<Whole<'a>, Stop> {
        let rest = pass.data.get(pass.pos..).unwrap_or_default();
        let Some([k0, k1, k2, k3, l0, l1, l2, l3, m0, m1, m2, m3]) = rest.first_chunk().copied() else {
            return Err(Stop::More(SHORTEST));
        };
        let kind = self.order.u32([k0, k1, k2, k3]);
        let order = match (kind, [m0, m1, m2, m3]) {
            (SECTION_HEADER, [0x1a, 0x2b, 0x3c, 0x4d]) => Order::Big,
            (SECTION_HEADER, [0x4d, 0x3c, 0x2b, 0x1a]) => Order::Little,
            (SECTION_HEADER, _) => {
                return Err(Stop::Bad(
                    "the section header has no byte order: damaged from here on, all before was read; copy the file again".to_owned(),
                ));
            }
            _ => self.order,
        };
        let len = order.u32([l0, l1, l2, l3]) as usize;
        if !(SHORTEST..=LONGEST).contains(&len) || !len.is_multiple_of(4) {
            return Err(Stop::Bad(format!(
                "a block claims {len} bytes, which cannot be: damaged from here on, all before was read; copy the file again"
            )));
        }
        let Some(bytes) = rest.get(..len) else { return Err(Stop::More(len)) };
        if order.u32_at(bytes, len - 4) != Some(len as u32) {
            return Err(Stop::Bad(format!(
                "a block of {len} bytes does not end with its length: damaged from here on, all before was read; copy the file again"
            )));
        }
        Ok(Whole { kind, bytes })
    }

    /// An enhanced packet block, or with `obsolete` a packet block: they differ in the interface field alone.
    #[inline(always)]
    fn packet(&self, block: &Whole<'_>, pos: usize, obsolete: bool) -> Result<Option<Found>, String> {
        let Some([i0, i1, i2, i3, h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, w0, w1, w2, w3]) =
            block.bytes.get(8..).and_then(|body| body.first_chunk().copied())
        else {
            return Err(too_short());
        };
        let order = self.order;
        let index = if obsolete { u32::from(order.u16([i0, i1])) } else { order.u32([i0, i1, i2, i3]) };
        let Some(interface) = self.interfaces.get(index as usize) else { return Err(no_interface(index)) };
        let len = order.u32([c0, c1, c2, c3]);
        if len as usize > block.bytes.len().saturating_sub(PACKET_DATA + 4) {
            return Err(format!(
                "a packet claims {len} bytes, more than its block holds: damaged from here on, all before was read; copy the file again"
            ));
        }
        let ticks = u64::from(order.u32([h0, h1, h2, h3])) << 32 | u64::from(order.u32([t0, t1, t2, t3]));
        Ok(Some(Found {
            at: interface.clock.at(ticks),
            offset: pos + PACKET_DATA,
            len,
            wire_len: order.u32([w0, w1, w2, w3]),
            interface: interface.id,
            link: interface.link,
        }))
    }

    /// A simple packet block: of interface 0, without a time, and its captured length follows from the snaplen.
    fn simple_packet(&self, block: &Whole<'_>, pos: usize) -> Result<Option<Found>, String> {
        let Some(interface) = self.interfaces.first() else { return Err(no_interface(0)) };
        let Some(wire_len) = self.order.u32_at(block.bytes, 8).filter(|_| block.bytes.len() >= 16) else { return Err(too_short()) };
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let held = (block.bytes.len() - 16) as u32;
        let len = wire_len.min(snaplen).min(held);
        Ok(Some(Found { at: self.last, offset: pos + 12, len, wire_len, interface: interface.id, link: interface.link }))
    }

    /// Blocks without packets; those that are not known are passed over.
    fn other(&mut self, block: &Whole<'_>, registry: &mut Option<Registry<'_>>) -> Result<(), String> {
        let body = block.bytes.get(8..block.bytes.len() - 4).unwrap_or_default();
        match block.kind {
            SECTION_HEADER => self.section(body),
            INTERFACE_DESCRIPTION => {
                let mut described = Described::read(self.order, body).ok_or_else(too_short)?;
                if let Some(registry) = registry {
                    described.id = registry.interface(self.interfaces.len() as u32, &described);
                }
                self.interfaces.push(described);
                Ok(())
            }
            INTERFACE_STATISTICS => {
                let drops = drops(self.order, body);
                if let (Some((index, n)), Some(registry)) = (drops, registry)
                    && let Some(interface) = self.interfaces.get(index as usize)
                {
                    registry.dropped(interface.id, n);
                }
                Ok(())
            }
            SECRETS => {
                self.secrets.extend(key_log(self.order, body).map(|text| Text::new(text.to_vec())));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A section header: byte order and interfaces begin anew.
    fn section(&mut self, body: &[u8]) -> Result<(), String> {
        self.order = if body.first() == Some(&0x1a) { Order::Big } else { Order::Little };
        self.interfaces.clear();
        match self.order.u16_at(body, 4) {
            Some(1) => Ok(()),
            Some(major) => Err(format!("a section of pcapng version {major}, only version 1 is known: all before was read")),
            None => Err(too_short()),
        }
    }
}

fn too_short() -> String {
    "a block is too short for what it is: damaged from here on, all before was read; copy the file again".to_owned()
}

fn no_interface(index: u32) -> String {
    format!(
        "a packet names interface {index}, which the section does not describe: damaged from here on, all before was read; copy the file again"
    )
}
