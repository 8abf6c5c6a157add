//! A chunk: the packets of a window, and the order in which shards read them.

use super::join::Joined;
use super::shard::rtp_header;
use super::taps::View;
use super::{SHARDS, Shard};
use crate::decode::{Agent, Fragment, Outer, TapKey, Transport, Tunnels};
use crate::flow::{Beat, Stands, samples};
use crate::ledger::Ledger;
use crate::prefetch;
use crate::proto::rtp;
use crate::record::{Head, RecordId, Seq, Window};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How a TLS record of handshake messages begins.
const HANDSHAKE: [u8; 2] = [22, 3];

/// Views of a chunk that are looked at one after the other.
const FEW: usize = 8;

/// Where bytes lie in others: in a record, or in what was joined from several.
#[derive(Clone, Copy, Default)]
pub struct Lies {
    offset: u32,
    len: u32,
}

impl Lies {
    /// Where `part`, which was cut out of `whole`, lies in it.
    pub fn of(part: &[u8], whole: &[u8]) -> Self {
        let offset = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        if part.is_empty() { Self::default() } else { Self { offset: offset as u32, len: part.len() as u32 } }
    }

    /// The bytes again.
    pub fn within(self, whole: &[u8]) -> &[u8] {
        let start = self.offset as usize;
        whole.get(start..start + self.len as usize).unwrap_or_default()
    }
}

/// What was found in the record at this index of the window, seen through this view by the chunk's own numbers, without its payload.
pub type Aside<T> = (u32, u16, T, Lies);

/// A packet found in a chunk that is no plain RTP.
#[derive(Clone, Copy)]
pub struct Slot {
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
    /// Headers.
    pub transport: Transport<'static>,
    /// Payload.
    pub payload: Lies,
    /// Its RTP header, read while its bytes were at hand.
    pub rtp: Option<rtp::Header>,
    /// What it was joined from, by its number in the window; then that is where its payload lies, and not the record.
    pub joined: Option<u32>,
    /// A TLS handshake may begin here.
    begins_tls: bool,
}

impl Slot {
    /// The slot of a packet that was found in `whole`, which is a record's unless it is said otherwise.
    pub fn new(head: &Head, index: u32, view: u16, transport: &Transport<'_>, whole: &[u8]) -> Self {
        let shard = Shard::of(&transport.flow) as u8;
        Self {
            id: record_id(head),
            at: head.at,
            clock: head.clock,
            index,
            view,
            shard,
            front: false,
            transport: Transport { payload: &[], ..*transport },
            payload: Lies::of(transport.payload, whole),
            rtp: rtp_header(transport),
            joined: None,
            begins_tls: transport.tcp.is_some() && transport.payload.starts_with(&HANDSHAKE),
        }
    }

    /// Its payload, in its record in the window or in what it was joined from.
    #[inline]
    pub fn payload<'w>(&self, window: &'w Window, joined: Option<&'w Joined>) -> &'w [u8] {
        let whole = match joined {
            None => window.record(self.index as usize).map(|record| record.bytes),
            Some(joined) => Some(joined.bytes()),
        };
        whole.map_or(&[], |whole| self.payload.within(whole))
    }
}

/// A packet of a chunk by where it stands: a [`Beat`], or with the highest bit a [`Slot`].
#[derive(Clone, Copy)]
pub struct At(u32);

/// The bit of [`At`] that tells a slot.
const SLOT: u32 = 1 << 31;

/// A packet of a chunk, as it is found.
pub enum Found<'c> {
    /// Plain RTP.
    Beat(&'c Beat),
    /// Any other.
    Slot(&'c Slot),
}

/// What decides the order of packets.
#[derive(Clone, Copy)]
struct Item {
    index: u32,
    at: At,
    shard: u8,
    behind: bool,
}

/// What decoding made of the records of a window. It holds nothing of their bytes, so that a window and its chunks can be handed on together.
#[derive(Default)]
pub struct Chunk {
    /// Plain RTP packets found.
    beats: Vec<Beat>,
    /// Hashes of those that may be sampled, by index of their record: made while their bytes are at hand.
    hashes: Vec<(u16, u32)>,
    /// Other packets found.
    slots: Vec<Slot>,
    /// Both, in order of record.
    items: Vec<Item>,
    /// What was joined is among them, out of order.
    pub has_joined: bool,
    /// Fragments found.
    pub fragments: Vec<Aside<Fragment<'static>>>,
    /// Packets found whose payload is compressed.
    pub deflated: Vec<Aside<Transport<'static>>>,
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
    /// Inputs in which TLS handshakes may begin here.
    pub handshakes: BTreeSet<u32>,
    /// Which view was seen in which input.
    pub inputs: BTreeSet<(u16, u32)>,
    /// Input and number of the record before the window's first, where the chunk's records are one input's and follow each other.
    pub before: Option<(u32, u64)>,
    /// Packets in order of shard, once they are sorted.
    order: Vec<At>,
    /// Where in `order` each shard begins.
    starts: Vec<u32>,
}

/// The record of a head, as printed.
pub fn record_id(head: &Head) -> RecordId {
    RecordId { input: head.input, number: head.number }
}

impl Chunk {
    /// A chunk with room for so many packets.
    pub fn with_room(n: usize) -> Self {
        Self { beats: Vec::with_capacity(n), items: Vec::with_capacity(n), ..Self::default() }
    }

    /// Packets that are no plain RTP.
    pub fn n_slots(&self) -> usize {
        self.slots.len()
    }

    /// Adds a plain RTP packet that was read from `frame`.
    #[inline(always)]
    pub fn beat(&mut self, beat: Beat, frame: &[u8]) {
        if beat.sequence.is_multiple_of(samples::DIVISOR) {
            self.hashes.push((beat.index, samples::hash(beat.header().payload(beat.payload(frame)))));
        }
        let at = At(self.beats.len() as u32);
        self.items.push(Item { index: u32::from(beat.index), at, shard: Shard::of_words(beat.flow) as u8, behind: true });
        self.beats.push(beat);
    }

    /// The hash of a packet of this chunk that may be sampled.
    pub fn hash_of(&self, beat: &Beat) -> u32 {
        let found = self.hashes.binary_search_by_key(&beat.index, |(index, _)| *index).ok();
        found.and_then(|at| self.hashes.get(at)).map_or(0, |(_, hash)| *hash)
    }

    /// Adds any other packet.
    pub fn slot(&mut self, slot: Slot) {
        let at = At(self.slots.len() as u32 | SLOT);
        if slot.begins_tls {
            self.handshakes.insert(slot.id.input);
        }
        self.items.push(Item { index: slot.index, at, shard: slot.shard, behind: !slot.front });
        self.slots.push(slot);
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
    pub fn view_of(&self, slot: &Slot) -> View {
        self.views.get(usize::from(slot.view)).copied().unwrap_or_default()
    }

    /// What an agent says of the packet of a slot; nothing for most.
    pub fn agent(&self, slot: &Slot) -> Option<&Agent> {
        if self.agents.is_empty() { None } else { self.agents.get(&slot.index) }
    }

    /// Tap, source and tunnels of a plain RTP packet, by the numbers of the run.
    #[inline(always)]
    pub fn view_of_beat(&self, beat: &Beat) -> View {
        self.views.get(usize::from(beat.view)).copied().unwrap_or_default()
    }

    /// Puts packets in order of shard, and within a shard of record: a counting sort of places, so that packets are not moved. What was
    /// joined was appended out of order.
    pub fn sort(&mut self) {
        if self.has_joined {
            self.items.sort_by_key(|item| (item.index, item.behind));
        }
        let mut starts = [0u32; SHARDS + 1];
        for item in &self.items {
            if let Some(count) = starts.get_mut(usize::from(item.shard) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts;
        let mut order = vec![At(0); self.items.len()];
        for item in &self.items {
            if let Some(place) = next.get_mut(usize::from(item.shard)) {
                if let Some(here) = order.get_mut(*place as usize) {
                    *here = item.at;
                }
                *place += 1;
            }
        }
        (self.order, self.starts) = (order, starts.to_vec());
    }

    /// The packets of a shard, in order of record.
    pub fn of_shard(&self, number: usize) -> &[At] {
        let start = self.starts.get(number).map_or(0, |s| *s as usize);
        let end = self.starts.get(number + 1).map_or(0, |s| *s as usize);
        self.order.get(start..end).unwrap_or_default()
    }

    /// Asks for the memory of the packets at these places.
    #[inline(always)]
    pub fn ask(&self, places: &[At]) {
        for at in places {
            if let Some(beat) = self.beats.get(at.0 as usize) {
                prefetch::lines(beat, 1);
            }
        }
    }

    /// Where a plain RTP packet of this window stands.
    #[inline(always)]
    pub fn stands(&self, beat: &Beat, window: &Window) -> Stands {
        let index = u64::from(beat.index);
        let seq = Seq(window.first.0 + index);
        match self.before {
            Some((input, before)) if beat.is_on_time() => {
                Stands { seq, id: RecordId { input, number: before + index + 1 }, clock: beat.at }
            }
            _ => {
                let head = window.heads.get(usize::from(beat.index));
                Stands { seq, id: head.map(record_id).unwrap_or_default(), clock: head.map_or(beat.at, |head| head.clock) }
            }
        }
    }

    /// The packet at this place.
    #[inline(always)]
    pub fn at(&self, at: At) -> Option<Found<'_>> {
        match at.0 & SLOT {
            0 => self.beats.get(at.0 as usize).map(Found::Beat),
            _ => self.slots.get((at.0 ^ SLOT) as usize).map(Found::Slot),
        }
    }
}
