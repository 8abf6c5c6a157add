//! Fragments joined to datagrams, serially in record order. A datagram lives at one tap and TTL, so that the same one mirrored at
//! two taps, or routed past one tap twice, gives two observations.
//!
//! The ledger counts every record of a fragment once: as [`provisional`] when it is held, moved to what the datagram proves to be
//! (`n_held` of [`Datagram`]) or to why it never was one (`n_lost` of [`Expired`]).

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::taps::View;
use crate::decode::{Fragment, FragmentKey, Link, TapId, flow_key};
use crate::error::Undecoded;
use crate::ledger::Kind;
use crate::record::{RecordId, Seq};
use crate::time::{Span, Timestamp};
use partial::{Brought, Partial};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

mod partial;
mod units;

/// A datagram is given up this long after its first fragment (RFC 791 section 3.2 asks for 15 s, RFC 8200 section 4.5 for 60 s).
pub const TIMEOUT: Span = Span::secs(30);
/// A copy of a record at the same tap and TTL within this is a duplicate (design: retransmissions come no sooner than 500 ms).
const DUPLICATE: Span = Span::millis(20);
/// Datagrams under way at once.
const MAX_PENDING: usize = 4_096;
/// Memory of all datagrams under way, in bytes.
const MAX_SIZE: usize = 64 << 20;
/// Fragments of one datagram, duplicates included; 65 535 bytes have no more 8-byte units.
const MAX_FRAGMENTS: u64 = 8_192;
/// Copies with another TTL that are looked at for one that lacks a fragment.
const MAX_VARIANTS: usize = 4;

/// When and where a fragment was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Its place in the merged order.
    pub seq: Seq,
    /// The record.
    pub id: RecordId,
    /// Own capture time.
    pub at: Timestamp,
    /// Running maximum of capture time.
    pub clock: Timestamp,
    /// Where it was seen, and what it came through.
    pub view: View,
}

/// A datagram, whole or its readable front: [`crate::decode::open_datagram`] reads on in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// What it was known by.
    pub key: FragmentKey,
    /// As of the fragment at offset 0.
    pub link: Link,
    /// Its bytes from the first on, up to the first that is missing.
    pub payload: Vec<u8>,
    /// Bytes missing at the end: taken by snaplen, or never seen; then a lower bound.
    pub cut: u32,
    /// The records that brought its bytes, in order of arrival.
    pub records: SmallVec<[RecordId; 4]>,
    /// Records that were held, are counted as [`provisional`], and follow the datagram from now on. Of a complete datagram the
    /// record that completed it is not among them.
    pub n_held: u64,
    /// The record that completed it, or the last that was held: its time is the packet's.
    pub arrival: Arrival,
}

/// What became of a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It waits for the rest; count its record as [`provisional`].
    Held {
        /// All it holds had come before at this tap and TTL.
        duplicate: bool,
    },
    /// It was the last one missing; its record follows the datagram.
    Complete(Box<Datagram>),
    /// It cannot be part of any datagram.
    Refused(Undecoded),
}

/// A datagram that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// What it was known by; its records are counted as [`provisional`] of this protocol.
    pub key: FragmentKey,
    /// Its front, if it can hold a transport header.
    pub datagram: Option<Box<Datagram>>,
    /// Records to move from [`provisional`] to `why`.
    pub n_lost: u64,
    /// The line of the ledger for them.
    pub why: Undecoded,
    /// Records that were late second copies of a datagram that was complete: they stay where they are, and are duplicates.
    pub n_copies: u64,
    /// It made room at a cap, and did not time out.
    pub evicted: bool,
}

/// What records of a fragment of this IP protocol are counted as until their datagram is complete.
pub fn provisional(protocol: u8) -> Kind {
    match protocol {
        flow_key::UDP => Kind::Udp,
        flow_key::TCP => Kind::Tcp,
        1 | 58 => Kind::Icmp,
        132 => Kind::Sctp,
        _ => Kind::OtherIp,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    tap: TapId,
    datagram: FragmentKey,
    // Last, so that the copies with another TTL are neighbours.
    ttl: u8,
}

/// The datagrams under way. Timeouts and caps look at Seq and clock alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reassembler {
    pending: BTreeMap<Key, Partial>,
    /// The same by when they were last added to: the lowest goes first at a cap.
    by_last: BTreeSet<(Seq, Key)>,
    size: usize,
    /// Datagrams completed within [`DUPLICATE`], and when; in order of completion too.
    completed: BTreeMap<Key, Timestamp>,
    completions: VecDeque<(Timestamp, Key)>,
    overlaps: u64,
}

impl Reassembler {
    /// Takes the fragments of a record, in order of Seq. Datagrams given up on the way are put into `gone`; count what is returned
    /// first, for its record can be among them. `inside` is the datagram that carried the fragment, where it is a tunnel's: all its
    /// records count for this one.
    pub fn take(&mut self, arrival: &Arrival, fragment: &Fragment<'_>, inside: Option<&Datagram>, gone: &mut Vec<Expired>) -> Taken {
        let Some(end) = partial::end(fragment) else {
            return Taken::Refused(Undecoded::new(version(&fragment.key), "fragment ends beyond 64 KiB"));
        };
        self.forget_completed(arrival.clock);
        let key = self.choose(arrival, fragment, end, gone);
        let mut partial = self.lift(&key).unwrap_or_else(|| {
            let is_copy = self.completed.contains_key(&key);
            Partial::new(arrival, fragment.link, is_copy)
        });
        let brought = partial.add(arrival, fragment, end, inside);
        self.overlaps += u64::from(brought == Brought::Overlap);
        if partial.is_complete() {
            self.completed.insert(key, arrival.clock);
            self.completions.push_back((arrival.clock, key));
            return Taken::Complete(Box::new(partial.complete(key.datagram)));
        }
        if partial.n_records >= MAX_FRAGMENTS {
            gone.push(give_up(key, partial, true));
        } else {
            self.put(key, partial);
            self.make_room(gone);
        }
        Taken::Held { duplicate: brought == Brought::Nothing }
    }

    /// Gives up what has timed out by `clock`, oldest first.
    pub fn tick(&mut self, clock: Timestamp, gone: &mut Vec<Expired>) {
        self.forget_completed(clock);
        self.give_up_where(|partial| is_stale(partial, clock), gone);
    }

    /// Gives up all that is left at the end of the run, oldest first.
    pub fn finish(&mut self, gone: &mut Vec<Expired>) {
        self.give_up_where(|_| true, gone);
    }

    /// Fragments so far that partly overlapped others of their datagram; the first copy of a byte was kept.
    pub fn overlaps(&self) -> u64 {
        self.overlaps
    }

    /// The datagram that a fragment goes to: that of its TTL, else one of another TTL that lacks it (fragments may take different
    /// ways), else a new one.
    fn choose(&mut self, arrival: &Arrival, fragment: &Fragment<'_>, end: u32, gone: &mut Vec<Expired>) -> Key {
        let exact = Key { tap: arrival.view.tap, datagram: fragment.key, ttl: fragment.link.ttl };
        match self.pending.get(&exact) {
            Some(partial) if is_stale(partial, arrival.clock) => {
                gone.extend(self.lift(&exact).map(|partial| give_up(exact, partial, false)));
            }
            Some(_) => return exact,
            None => {}
        }
        let variants = self.pending.range(Key { ttl: 0, ..exact }..=Key { ttl: u8::MAX, ..exact }).take(MAX_VARIANTS);
        let mut open = variants.filter(|(_, partial)| !is_stale(partial, arrival.clock) && partial.lacks(fragment, end));
        open.next().map_or(exact, |(key, _)| *key)
    }

    fn lift(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.pending.remove(key)?;
        self.by_last.remove(&(partial.last.seq, *key));
        self.size = self.size.saturating_sub(partial.size());
        Some(partial)
    }

    fn put(&mut self, key: Key, partial: Partial) {
        self.size += partial.size();
        self.by_last.insert((partial.last.seq, key));
        self.pending.insert(key, partial);
    }

    fn make_room(&mut self, gone: &mut Vec<Expired>) {
        while self.pending.len() > MAX_PENDING || self.size > MAX_SIZE {
            let Some((_, oldest)) = self.by_last.first().copied() else { return };
            gone.extend(self.lift(&oldest).map(|partial| give_up(oldest, partial, true)));
        }
    }

    fn give_up_where(&mut self, which: impl Fn(&Partial) -> bool, gone: &mut Vec<Expired>) {
        let mut keys: Vec<_> = self.pending.iter().filter(|(_, p)| which(p)).map(|(key, p)| (p.first.seq, *key)).collect();
        keys.sort_unstable();
        for (_, key) in keys {
            gone.extend(self.lift(&key).map(|partial| give_up(key, partial, false)));
        }
    }

    fn forget_completed(&mut self, clock: Timestamp) {
        while let Some((at, key)) = self.completions.front().copied() {
            if clock - at <= DUPLICATE && self.completions.len() <= MAX_PENDING {
                return;
            }
            self.completions.pop_front();
            // The same key may have been completed again since.
            if self.completed.get(&key) == Some(&at) {
                self.completed.remove(&key);
            }
        }
    }
}

/// A late second copy is waited for as long as copies take: a later datagram may use the identification again.
fn is_stale(partial: &Partial, clock: Timestamp) -> bool {
    clock - partial.first.clock > if partial.is_copy { DUPLICATE } else { TIMEOUT }
}

fn give_up(key: Key, partial: Partial, evicted: bool) -> Expired {
    let why = Undecoded::new(version(&key.datagram), "datagram never completed");
    let (key, n_records) = (key.datagram, partial.n_records);
    if partial.is_copy {
        return Expired { key, datagram: None, n_lost: 0, why, n_copies: n_records, evicted };
    }
    let (datagram, n_lost) = partial.give_up(key);
    Expired { key, datagram: datagram.map(Box::new), n_lost, why, n_copies: 0, evicted }
}

fn version(key: &FragmentKey) -> &'static str {
    if key.src.is_ipv4() { "ipv4" } else { "ipv6" }
}

#[cfg(test)]
mod tests;
