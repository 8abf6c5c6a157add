//! The runs of a shard: for each direction, tap and time to live of a flow whose packets are as expected, what they add up to. A packet
//! finds its run by one look into one table; who asks a flow for anything has its runs taken in first.

use super::udp_flow::UdpFlow;
use crate::decode::{FlowKey, TapId};
use crate::flow::{Beat, Joins, Place, Sample, Stands, Steady};
use crate::ledger::Ledger;
use crate::prefetch;
use crate::proto::rtp::Ssrc;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// What a run is found by: flow, direction, time to live and tap, packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u64; 2]);

/// Number of a run in its shard.
pub type RunId = u32;

/// Samples that a run holds at most.
const HELD: usize = 8;

/// Seeds, other ones in each process.
struct Seeds([u64; 2]);

impl Default for Seeds {
    fn default() -> Self {
        let state = foldhash::fast::RandomState::default();
        Self([state.hash_one(1u8), state.hash_one(2u8)])
    }
}

/// The runs.
#[derive(Default)]
pub struct Runs {
    ids: HashTable<(Key, RunId)>,
    seeds: Seeds,
    runs: Vec<Steady>,
    /// Of each run, how it is found and what of its flow it is.
    owners: Vec<(Key, Place)>,
    /// Of each run, samples that its flow does not have yet: to look for the flow takes more than all the rest of such a packet.
    held: Vec<SmallVec<[Sample; HELD]>>,
    free: Vec<RunId>,
    /// Rises when a run begins or ends: what was found before may not be there.
    pub changes: u64,
}

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runs").field("runs", &self.ids.len()).finish_non_exhaustive()
    }
}

impl Key {
    /// The key of a packet that was seen at `tap`.
    #[inline(always)]
    pub fn of(beat: &Beat, tap: TapId) -> Self {
        let [addresses, ports] = beat.flow.0;
        // The protocol is UDP for all: its bits and the zeros behind it hold what parts the runs of a flow.
        let place = u64::from(tap.0) << 9 | u64::from(beat.ttl) << 1 | beat.dir() as u64;
        Self([addresses, ports >> 32 << 32 | place])
    }

    /// A hash that a stranger cannot foresee: whoever chose addresses and ports did not choose the seeds.
    #[inline(always)]
    fn hash(self, [first, second]: [u64; 2]) -> u64 {
        let Self([own_first, own_second]) = self;
        let wide = u128::from(own_first ^ first) * u128::from(own_second ^ second);
        (wide as u64) ^ (wide >> 64) as u64
    }
}

impl Runs {
    /// The run that a packet with this key may join; a number that is no run's where there is none.
    #[inline(always)]
    pub fn find(&self, key: Key) -> RunId {
        self.ids.find(key.hash(self.seeds.0), |(known, _)| *known == key).map_or(RunId::MAX, |(_, id)| *id)
    }

    /// Asks for the memory of a run.
    #[inline(always)]
    pub fn ask(&self, id: RunId) {
        if let Some(run) = self.runs.get(id as usize) {
            prefetch::lines(run, 3);
        }
    }

    /// Lets a packet join a run if it is as expected; any other has to go to its flow.
    #[inline(always)]
    pub fn arrive(&mut self, id: RunId, beat: &Beat, stands: Stands) -> Joins {
        self.runs.get_mut(id as usize).map_or(Joins::No, |run| run.arrive(beat, stands))
    }

    /// Holds the sample of a packet that joined a run until its flow is at hand; false where there is no more room.
    pub fn hold(&mut self, id: RunId, sample: Sample) -> bool {
        let held = self.held.get_mut(id as usize).filter(|held| held.len() < HELD);
        held.map(|held| held.push(sample)).is_some()
    }

    /// Gives the samples that a run holds to its flow.
    fn give_held(&mut self, id: RunId, flow: &mut UdpFlow) {
        let (Some(held), Some(run)) = (self.held.get_mut(id as usize), self.runs.get_mut(id as usize)) else { return };
        let Some((_, place)) = self.owners.get(id as usize) else { return };
        let masks = held.drain(..).filter_map(|sample| flow.media.sample(*place, Ssrc(run.ssrc()), sample, &[]));
        if let Some(mask) = masks.last() {
            run.sample_by(mask);
        }
    }

    /// Keeps the sample of a packet of this flow that joined a run.
    pub fn sample(&mut self, id: RunId, flow: &mut UdpFlow, ssrc: Ssrc, sample: Sample, datagram: &[u8]) {
        self.give_held(id, flow);
        let (Some(run), Some((_, place))) = (self.runs.get_mut(id as usize), self.owners.get(id as usize)) else { return };
        if let Some(mask) = flow.media.sample(*place, ssrc, sample, datagram) {
            run.sample_by(mask);
        }
    }

    /// Takes the runs of a flow in, in the order of their last packets; they go on.
    pub fn settle(&mut self, flow: &mut UdpFlow, ledger: &mut Ledger) {
        if flow.runs.len() > 1 {
            flow.runs.sort_unstable_by_key(|id| self.runs.get(*id as usize).map(|run| run.last().seq));
        }
        for at in 0..flow.runs.len() {
            let Some(id) = flow.runs.get(at).copied() else { continue };
            self.give_held(id, flow);
            let (Some(run), Some((_, place))) = (self.runs.get_mut(id as usize), self.owners.get(id as usize)) else { continue };
            if run.packets() == 0 {
                continue;
            }
            let last = run.last();
            if last.seq > flow.last_seq {
                (flow.last_seq, flow.last_clock) = (last.seq, last.clock);
            }
            flow.media.take_in(*place, run, ledger);
        }
    }

    /// Begins a run of this flow, in place of the one of this key, whose sums have been taken in.
    pub fn begin(&mut self, flow: &mut UdpFlow, key: Key, place: Place, run: Steady) {
        let known = self.find(key);
        if let Some(slot) = self.runs.get_mut(known as usize) {
            *slot = run;
            return;
        }
        let id = self.free.pop().unwrap_or(self.runs.len() as RunId);
        match (self.runs.get_mut(id as usize), self.owners.get_mut(id as usize)) {
            (Some(slot), Some(owner)) => (*slot, *owner) = (run, (key, place)),
            _ => {
                self.runs.push(run);
                self.owners.push((key, place));
                self.held.push(SmallVec::new());
            }
        }
        let seeds = self.seeds.0;
        self.ids.insert_unique(key.hash(seeds), (key, id), |(known, _)| known.hash(seeds));
        flow.runs.push(id);
        self.changes += 1;
    }

    /// Ends the run of this key, if the flow has it; what it added up to has been taken in.
    pub fn end(&mut self, flow: &mut UdpFlow, key: Key) {
        if flow.runs.is_empty() {
            return;
        }
        let id = self.find(key);
        flow.runs.retain(|own| *own != id);
        self.forget(id, key);
    }

    /// Ends all runs of a flow; what they added up to has been taken in.
    pub fn end_all(&mut self, flow: &mut UdpFlow) {
        for id in std::mem::take(&mut flow.runs) {
            if let Some((key, _)) = self.owners.get(id as usize).copied() {
                self.forget(id, key);
            }
        }
    }

    fn forget(&mut self, id: RunId, key: Key) {
        if let Ok(entry) = self.ids.find_entry(key.hash(self.seeds.0), |(known, _)| *known == key) {
            entry.remove();
            self.free.push(id);
            self.changes += 1;
        }
    }

    /// Takes all runs in and ends them.
    pub fn settle_all<'f>(&mut self, flows: impl Iterator<Item = (&'f FlowKey, &'f mut UdpFlow)>, ledger: &mut Ledger) {
        for (_, flow) in flows.filter(|(_, flow)| !flow.runs.is_empty()) {
            self.settle(flow, ledger);
            flow.runs.clear();
        }
        self.ids.clear();
        self.free.clear();
        self.runs.clear();
        self.owners.clear();
        self.held.clear();
        self.changes += 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Decoded, Engine, Fact, Wanted};
    use crate::ledger::Kind;
    use crate::record::{Head, InterfaceId, LinkType, Seq, Window};
    use crate::time::Timestamp;
    use std::sync::Arc;

    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % n
        }
    }

    /// What one sender sends next.
    #[derive(Clone, Copy)]
    struct Sender {
        port: u8,
        sequence: u16,
        timestamp: u32,
        ssrc: u8,
        at: i64,
        ttl: u8,
    }

    /// An Ethernet frame with G.711 of this sender.
    fn frame(sender: &Sender, second: u8, vlan: u8, dscp: u8, mac: u8) -> Vec<u8> {
        let ([s0, s1], [t0, t1, t2, t3]) = (sender.sequence.to_be_bytes(), sender.timestamp.to_be_bytes());
        let ethernet = [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, mac, 0x81, 0, 0, vlan, 8, 0];
        let ip = [0x45, dscp << 2, 0, 60, 0, 0, 0, 0, sender.ttl, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
        let udp = [0x40, sender.port, 0x50, 0, 0, 40, 0, 0];
        let rtp = [0x80, second, s0, s1, t0, t1, t2, t3, 0, 0, 0, sender.ssrc];
        [&ethernet[..], &ip, &udp, &rtp, &[sender.sequence as u8; 20]].concat()
    }

    /// Media of a few senders with all that makes packets unlike those before them.
    fn media(seed: u64) -> Vec<(i64, Vec<u8>)> {
        let mut random = Random(seed);
        let sender = |n: u8| Sender { port: n / 2, sequence: 65_000, timestamp: 9, ssrc: n, at: 0, ttl: 60 };
        let mut senders: Vec<Sender> = (0..5).map(sender).collect();
        let mut records: Vec<(i64, Vec<u8>)> = Vec::new();
        for _ in 0..8_000 {
            let which = random.below(5) as usize;
            let sender = &mut senders[which];
            let [mut second, mut dscp, mut mac] = [8, 46, 1];
            sender.at += 20_000_000 + random.below(3_000_000) as i64;
            match random.below(400) {
                0..=3 => sender.sequence = sender.sequence.wrapping_add(random.below(5) as u16),
                4 => sender.sequence = sender.sequence.wrapping_sub(3),
                5 => sender.sequence = random.below(65_536) as u16,
                6 => (sender.at, sender.timestamp) = (sender.at + 700_000_000, sender.timestamp + 5_600),
                7 => sender.at -= 50_000_000,
                8 => second |= 0x80,
                9 => second = 13,
                10 => second = 101,
                11 => second = 0,
                12 => dscp = 0,
                13 => mac = 7,
                14 => sender.ttl ^= 1,
                15 => sender.timestamp = sender.timestamp.wrapping_add(random.below(90_000) as u32),
                16 => (sender.ssrc, sender.sequence) = (sender.ssrc + 10, 7),
                17 => sender.at += 20_000_000_000,
                _ => {}
            }
            let copies = if random.below(300) == 0 { 2 } else { 1 };
            for vlan in [10, 20].into_iter().take(1 + which % 2) {
                for copy in 0..copies {
                    records.push((sender.at + copy * 1_000_000, frame(sender, second, vlan, dscp, mac)));
                }
            }
            (sender.sequence, sender.timestamp) = (sender.sequence.wrapping_add(1), sender.timestamp.wrapping_add(160));
        }
        records.sort_by_key(|(at, _)| *at / 30_000_000); // a little out of order stays
        records
    }

    /// What comes of these records in windows of `size`, when runs are taken in after each window or only where something asks.
    fn told(records: &[(i64, Vec<u8>)], size: usize, settles: bool) -> (Vec<String>, u64, u64) {
        let mut engine = Engine::default();
        let mut clock = i64::MIN;
        for (number, records) in records.chunks(size).enumerate() {
            let first = number * size;
            let mut window = Window { first: Seq(first as u64), ..Window::default() };
            let mut bytes = Vec::new();
            for (index, (at, frame)) in records.iter().enumerate() {
                clock = clock.max(*at);
                window.heads.push(Head {
                    at: Timestamp(*at),
                    clock: Timestamp(clock),
                    number: (first + index) as u64 + 1,
                    offset: bytes.len() as u64,
                    len: frame.len() as u32,
                    wire_len: frame.len() as u32,
                    block: 0,
                    input: 0,
                    interface: InterfaceId(0),
                    link: LinkType::ETHERNET,
                });
                bytes.extend(frame);
            }
            window.blocks = vec![Arc::new(bytes)];
            engine.apply(vec![Decoded::of(window, None)], &[]);
            if settles {
                engine.settle();
            }
        }
        let (facts, _) = engine.sweep(&Wanted { all: true, ..Wanted::default() });
        let ledger = engine.ledger();
        let streams =
            facts.into_iter().filter_map(|(_, fact)| if let Fact::Stream(stream) = fact { Some(format!("{stream:?}")) } else { None });
        (streams.collect(), ledger.of(Kind::Rtp), ledger.duplicates)
    }

    #[test]
    fn answer_is_that_of_the_flows_alone() {
        for seed in [1, 2, 3] {
            let records = media(seed);
            let alone = told(&records, 1, true);
            assert!(alone.0.len() > 5 && alone.1 > 7_000 && alone.2 > 0, "{} {} {}", alone.0.len(), alone.1, alone.2);
            for size in [1, 64, 4_096] {
                assert!(told(&records, size, false) == alone, "seed {seed}, windows of {size}");
            }
        }
    }
}
