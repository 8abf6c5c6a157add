//! A chunk: the packets that one task decoded, and the order in which shards read them.

use super::fragment::Datagram;
use super::shard::rtp_header;
use super::taps::View;
use super::{SHARDS, Shard};
use crate::decode::{Agent, Fragment, Outer, TapKey, Transport, Tunnels};
use crate::ledger::Ledger;
use crate::proto::rtp;
use crate::record::{Head, RecordId};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Views of a chunk that are looked at one after the other.
const FEW: usize = 8;

/// A packet found in a chunk.
#[derive(Clone, Copy)]
pub struct Slot<'a> {
    /// The record that carried it, or completed it, with its times.
    pub id: RecordId,
    /// Own capture time.
    pub at: Timestamp,
    /// Running maximum of capture time.
    pub clock: Timestamp,
    /// Index of its record in the window.
    pub index: u32,
    /// Tap and tunnels, by the chunk's own numbers.
    pub view: u16,
    /// The shard of its flow.
    pub shard: u8,
    /// The front of a datagram that was given up here: it comes before the record's own packet.
    pub front: bool,
    /// Headers and payload.
    pub transport: Transport<'a>,
    /// Its RTP header, read while its bytes were at hand.
    pub rtp: Option<rtp::Header>,
    /// The datagram it was joined in, if it came in fragments.
    pub datagram: Option<&'a Datagram>,
}

impl<'a> Slot<'a> {
    /// The slot of a packet that is not a datagram joined from fragments.
    pub fn new(head: &Head, index: u32, view: u16, transport: Transport<'a>) -> Self {
        let shard = Shard::of(&transport.flow) as u8;
        Self {
            id: record_id(head),
            at: head.at,
            clock: head.clock,
            index,
            view,
            shard,
            front: false,
            transport,
            rtp: rtp_header(&transport),
            datagram: None,
        }
    }
}

/// What decoding made of a run of records.
#[derive(Default)]
pub struct Chunk<'a> {
    /// Packets found.
    pub slots: Vec<Slot<'a>>,
    /// Fragments found: index of the record in the window, view by the chunk's own numbers.
    pub fragments: Vec<(u32, u16, Fragment<'a>)>,
    /// Packets found whose payload is compressed, likewise.
    pub deflated: Vec<(u32, u16, Transport<'a>)>,
    /// What agents said of the packet of a record.
    pub agents: BTreeMap<u32, Agent>,
    /// Records that are no packets.
    pub ledger: Ledger,
    /// Taps and tunnels seen, by the chunk's own numbers.
    pub keys: Vec<(TapKey, Tunnels)>,
    /// Where in `keys` each stands, once they are many.
    places: HashMap<(TapKey, Tunnels), u16, foldhash::fast::RandomState>,
    /// `keys` by the numbers of the run.
    pub views: Vec<View>,
    /// Which view was seen in which input.
    pub inputs: BTreeSet<(u16, u32)>,
    /// Places of the slots in order of shard, once they are sorted.
    order: Vec<u32>,
    /// Where in `order` each shard begins.
    starts: Vec<u32>,
}

/// The record of a head, as printed.
pub fn record_id(head: &Head) -> RecordId {
    RecordId { input: head.input, number: head.number }
}

impl<'a> Chunk<'a> {
    /// A chunk with room for so many packets.
    pub fn with_room(n: usize) -> Self {
        Self { slots: Vec::with_capacity(n), ..Self::default() }
    }

    /// The chunk's own number of the tap and tunnels in `outer`. The few taps of a plain capture are found by looking at each; a capture
    /// of as many tunnels as records is not searched through for every one of them.
    pub fn view(&mut self, outer: &Outer) -> u16 {
        let is = |(tap, tunnels): &(TapKey, Tunnels)| *tap == outer.tap && *tunnels == outer.tunnels;
        if let Some(at) = self.keys.iter().take(FEW).position(is) {
            return at as u16;
        }
        let key = (outer.tap.clone(), outer.tunnels.clone());
        let next = self.keys.len() as u16;
        if self.keys.len() < FEW {
            self.keys.push(key);
            return next;
        }
        *self.places.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            next
        })
    }

    /// The chunk's own number of a view that was met after its records were decoded.
    pub fn late_view(&mut self, view: View) -> u16 {
        let at = self.views.iter().rposition(|known| *known == view);
        at.unwrap_or_else(|| {
            self.views.push(view);
            self.views.len() - 1
        }) as u16
    }

    /// Tap, source and tunnels of a slot, by the numbers of the run.
    pub fn view_of(&self, slot: &Slot<'_>) -> View {
        self.views.get(usize::from(slot.view)).copied().unwrap_or_default()
    }

    /// What an agent says the packet of a slot belongs to; empty for most.
    pub fn correlation(&self, slot: &Slot<'_>) -> &[u8] {
        let agent = if self.agents.is_empty() { None } else { self.agents.get(&slot.index) };
        agent.and_then(|agent| agent.correlation.as_deref()).unwrap_or_default()
    }

    /// Puts packets in order of shard, and within a shard of record: a counting sort of places, so that slots are not moved. What was
    /// joined was appended out of order.
    pub fn sort(&mut self) {
        if !self.slots.is_sorted_by_key(|slot| (slot.index, !slot.front)) {
            self.slots.sort_by_key(|slot| (slot.index, !slot.front));
        }
        let mut starts = [0u32; SHARDS + 1];
        for slot in &self.slots {
            if let Some(count) = starts.get_mut(usize::from(slot.shard) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts;
        let mut order = vec![0; self.slots.len()];
        for (place, slot) in (0u32..).zip(&self.slots) {
            if let Some(at) = next.get_mut(usize::from(slot.shard)) {
                if let Some(here) = order.get_mut(*at as usize) {
                    *here = place;
                }
                *at += 1;
            }
        }
        (self.order, self.starts) = (order, starts.to_vec());
    }

    /// Places of the packets of a shard, in order of record.
    pub fn of_shard(&self, number: usize) -> &[u32] {
        let start = self.starts.get(number).map_or(0, |s| *s as usize);
        let end = self.starts.get(number + 1).map_or(0, |s| *s as usize);
        self.order.get(start..end).unwrap_or_default()
    }

    /// The packets at these places.
    pub fn at<'s>(&'s self, places: &'s [u32]) -> impl Iterator<Item = &'s Slot<'a>> {
        places.iter().filter_map(|place| self.slots.get(*place as usize))
    }
}
