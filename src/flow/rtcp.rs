//! RTCP of one UDP flow: what its packets report, folded by who reports on whom, so that a call of hours stays small; and round-trip
//! times as a tap can know them.

use super::copies::COPY_WINDOW;
use super::sealed::{Sealed, SealedRtcp};
use super::{Figures, Seen};
use crate::decode::{Dir, FlowKey, Packet, TapId};
use crate::hash;
use crate::ledger::Ledger;
use crate::proto::{
    rtcp::{self, Compound, ReportBlock, VoipMetrics, middle},
    rtp::Ssrc,
};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Sources, and pairs of sources, told apart in one direction; further ones are let go.
const MOST_SOURCES: usize = 64;
/// Wall clocks remembered of one direction, to find the one that a report answers.
const MOST_CLOCKS: usize = 16;
/// Compound packets remembered of one direction, to tell copies from packets.
const MOST_RECENT: usize = 4;
/// The same bytes again within this are the same packet at another tap: the least interval of RTCP is longer (RFC 3550 section 6.2).
const SAME_WITHIN: Span = Span::secs(1);
/// Clocks of one source may be this far off before a round-trip time below zero is no measurement.
const BELOW_ZERO: Span = Span::millis(-1);

/// What one source said that it received of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reception {
    /// Who reports.
    pub reporter: Ssrc,
    /// The source that is reported on.
    pub ssrc: Ssrc,
    /// Report blocks.
    pub reports: u64,
    /// Cumulative packets lost, as reported last; negative with duplicates.
    pub lost: i32,
    /// Extended highest sequence number, as reported last.
    pub highest: u32,
    /// Largest fraction lost between two reports, in 256ths.
    pub fraction_max: u8,
    /// Interarrival jitter in timestamp units.
    pub jitter: Figures,
    /// Round-trip times in ns: from the tap to the reporter and back to the tap, the reporter's own delay left out. The report that is
    /// answered was seen at the same tap.
    pub rtt: Figures,
    /// VoIP metrics, as reported last.
    pub voip: Option<VoipMetrics>,
}

/// A source that sent RTCP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The source.
    pub ssrc: Ssrc,
    /// Sender reports.
    pub reports: u64,
    /// RTP packets that it had sent at the last of them.
    pub packets: Option<u32>,
    /// Payload octets that it had sent by then.
    pub octets: Option<u32>,
    /// Its canonical name.
    pub name: Option<String>,
    /// It said BYE.
    pub left: bool,
}

/// What RTCP in one direction of a flow said since it was told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtcpReport {
    /// The flow.
    pub flow: FlowKey,
    /// Which way its packets went.
    pub dir: Dir,
    /// First of them.
    pub first: Seen,
    /// Clock there.
    pub since: Timestamp,
    /// Clock at the last of them.
    pub until: Timestamp,
    /// Compound packets, copies left out.
    pub packets: u64,
    /// How many of them told nothing but their sender, because they are encrypted or cut.
    pub unread: u64,
    /// Sources that sent them, in order of first packet.
    pub senders: Vec<Sender>,
    /// What they reported, in order of first report.
    pub receptions: Vec<Reception>,
    /// The last of those that told nothing but their sender.
    pub sealed: SealedRtcp,
}

/// RTCP of one flow.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtcpFlow {
    ways: [Way; 2],
}

/// One direction.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Way {
    report: Option<RtcpReport>,
    clocks: VecDeque<Clock>,
    recent: VecDeque<(u64, Seen)>,
}

/// A wall clock that a sender report or a reference time carried past a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Clock {
    ssrc: Ssrc,
    middle: u32,
    tap: TapId,
    at: Timestamp,
}

impl RtcpFlow {
    /// Takes in a compound packet.
    pub fn apply(&mut self, packet: &Packet<'_>, compound: &Compound, ledger: &mut Ledger) {
        let seen = Seen::of(packet);
        let [up, down] = &mut self.ways;
        let (way, back) = if packet.dir == Dir::Up { (up, down) } else { (down, up) };
        way.remember_clocks(compound, (seen.tap, seen.at));
        if way.is_copy(packet, &seen, ledger) {
            if let Some(report) = way.report.as_mut().filter(|_| !compound.clear) {
                report.sealed.seen_again(packet, &seen);
            }
            return;
        }
        let report = way.report.get_or_insert_with(|| RtcpReport::new(packet));
        report.packets += 1;
        report.until = packet.clock;
        if !compound.clear {
            report.unread += 1;
            report.sealed.keep(packet);
        }
        ledger.evicted += report.take_in(compound, back, (seen.tap, seen.at));
    }

    /// Something is left to tell, or a clock may still be answered.
    pub fn is_used(&self) -> bool {
        self.ways.iter().any(|way| way.report.is_some() || !way.clocks.is_empty())
    }

    /// Takes out the reports that `ends` names; those are told, and further packets begin new ones.
    pub fn take(&mut self, ends: impl Fn(&RtcpReport) -> bool, out: &mut Vec<RtcpReport>) {
        out.extend(self.ways.iter_mut().filter_map(|way| way.report.take_if(|report| ends(report))));
    }
}

impl Way {
    fn remember_clocks(&mut self, compound: &Compound, (tap, at): (TapId, Timestamp)) {
        let sent = compound.senders.iter().map(|info| (info.ssrc, middle(info.ntp)));
        let referred = compound.extended.references.iter().map(|(ssrc, ntp)| (*ssrc, middle(*ntp)));
        for (ssrc, middle) in sent.chain(referred) {
            if self.clocks.iter().any(|clock| (clock.ssrc, clock.middle, clock.tap) == (ssrc, middle, tap)) {
                continue;
            }
            if self.clocks.len() >= MOST_CLOCKS {
                self.clocks.pop_front();
            }
            self.clocks.push_back(Clock { ssrc, middle, tap, at });
        }
    }

    /// Whether these bytes were seen a moment ago: at another tap, or twice at this one.
    fn is_copy(&mut self, packet: &Packet<'_>, seen: &Seen, ledger: &mut Ledger) -> bool {
        let print = hash::stable(&[packet.payload]);
        let mut known = false;
        for (hash, before) in self.recent.iter().filter(|(hash, _)| *hash == print) {
            let apart = Span((seen.at - before.at).0.abs());
            known |= *hash == print && apart <= SAME_WITHIN;
            if (before.tap, before.ttl) == (seen.tap, seen.ttl) && apart <= COPY_WINDOW {
                ledger.duplicates += 1;
                return true;
            }
        }
        if self.recent.len() >= MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((print, *seen));
        known
    }

    /// From the tap to whoever answers the clock `middle` of `ssrc`, which went this way, and back; `delay` in 65 536ths of a second is
    /// how long it took to answer.
    fn round_trip(&self, ssrc: Ssrc, middle: u32, delay: u32, (tap, at): (TapId, Timestamp)) -> Option<i64> {
        let asked = self.clocks.iter().rev().find(|clock| (clock.ssrc, clock.middle, clock.tap) == (ssrc, middle, tap))?;
        let delay = Span((i64::from(delay) * 1_000_000_000) >> 16);
        let round_trip = Span((at - asked.at).0.saturating_sub(delay.0));
        (middle != 0 && round_trip >= BELOW_ZERO).then_some(round_trip.0.max(0))
    }
}

impl RtcpReport {
    fn new(packet: &Packet<'_>) -> Self {
        Self {
            flow: packet.flow,
            dir: packet.dir,
            first: Seen::of(packet),
            since: packet.clock,
            until: packet.clock,
            packets: 0,
            unread: 0,
            senders: Vec::new(),
            receptions: Vec::new(),
            sealed: SealedRtcp::default(),
        }
    }

    /// The same without the packets that are sealed.
    fn outline(&self) -> Self {
        let (senders, receptions) = (self.senders.clone(), self.receptions.clone());
        let RtcpReport { flow, dir, first, since, until, packets, unread, .. } = *self;
        Self { flow, dir, first, since, until, packets, unread, senders, receptions, sealed: SealedRtcp::default() }
    }

    /// Takes in a compound packet seen at a place, and what it answers that went `back`. Gives how many sources or pairs were let go.
    fn take_in(&mut self, compound: &Compound, back: &Way, place: (TapId, Timestamp)) -> u64 {
        self.senders(compound) + self.receptions(compound, |ssrc, middle, delay| back.round_trip(ssrc, middle, delay, place))
    }

    /// Who sent this compound packet; gives how many sources were let go.
    fn senders(&mut self, compound: &Compound) -> u64 {
        let mut let_go = u64::from(self.sender(compound.sender).is_none());
        for info in &compound.senders {
            match self.sender(info.ssrc) {
                Some(sender) => {
                    sender.reports += 1;
                    (sender.packets, sender.octets) = (Some(info.packets), Some(info.octets));
                }
                None => let_go += 1,
            }
        }
        for (ssrc, name) in &compound.names {
            match self.sender(*ssrc) {
                Some(sender) => sender.name = Some(name.clone()),
                None => let_go += 1,
            }
        }
        for ssrc in &compound.byes {
            match self.sender(*ssrc) {
                Some(sender) => sender.left = true,
                None => let_go += 1,
            }
        }
        let_go
    }

    /// What this compound packet reports; gives how many pairs of sources were let go.
    fn receptions(&mut self, compound: &Compound, round_trip: impl Fn(Ssrc, u32, u32) -> Option<i64>) -> u64 {
        let mut let_go = 0;
        for block in &compound.blocks {
            match self.reception(block.reporter, block.ssrc) {
                Some(reception) => reception.add(block, round_trip(block.ssrc, block.last_sr, block.delay_since_last_sr)),
                None => let_go += 1,
            }
        }
        for delay in &compound.extended.delays {
            let Some(round_trip) = round_trip(delay.ssrc, delay.last, delay.delay) else { continue };
            match self.reception(delay.reporter, delay.ssrc) {
                Some(reception) => reception.rtt.add(round_trip),
                None => let_go += 1,
            }
        }
        for voip in &compound.extended.voip {
            match self.reception(voip.reporter, voip.ssrc) {
                Some(reception) => reception.voip = Some(*voip),
                None => let_go += 1,
            }
        }
        let_go
    }

    fn sender(&mut self, ssrc: Ssrc) -> Option<&mut Sender> {
        if !self.senders.iter().any(|sender| sender.ssrc == ssrc) && self.senders.len() < MOST_SOURCES {
            self.senders.push(Sender { ssrc, reports: 0, packets: None, octets: None, name: None, left: false });
        }
        self.senders.iter_mut().find(|sender| sender.ssrc == ssrc)
    }

    fn reception(&mut self, reporter: Ssrc, ssrc: Ssrc) -> Option<&mut Reception> {
        let is = |reception: &Reception| (reception.reporter, reception.ssrc) == (reporter, ssrc);
        if !self.receptions.iter().any(is) && self.receptions.len() < MOST_SOURCES {
            self.receptions.push(Reception::new(reporter, ssrc));
        }
        self.receptions.iter_mut().find(|reception| is(reception))
    }

    /// Takes in what was told of the same direction later. Gives how many sources or pairs were let go.
    pub fn join(&mut self, later: &RtcpReport) -> u64 {
        self.packets += later.packets;
        self.unread += later.unread;
        self.sealed.join(&later.sealed);
        self.until = later.until;
        let mut let_go = 0;
        for told in &later.senders {
            match self.sender(told.ssrc) {
                Some(sender) => sender.join(told),
                None => let_go += 1,
            }
        }
        for told in &later.receptions {
            match self.reception(told.reporter, told.ssrc) {
                Some(reception) => reception.join(told),
                None => let_go += 1,
            }
        }
        let_go
    }
}

/// The report of one direction, `there`, as it is when what is sealed in it is opened; `back` is that of the other direction, which
/// has the clocks that are answered. `open` is asked for each packet, and whether it went `there`.
pub fn opened(there: &RtcpReport, back: Option<&RtcpReport>, open: impl Fn(bool, &Sealed) -> Option<Vec<u8>>) -> RtcpReport {
    let mut report = there.outline();
    let mut clocks = Way::default();
    let sealed = there.sealed.iter().map(|sealed| (true, sealed));
    let mut packets: Vec<(bool, &Sealed)> = sealed.chain(back.iter().flat_map(|back| back.sealed.iter()).map(|s| (false, s))).collect();
    packets.sort_by_key(|(_, sealed)| sealed.seq);
    for (is_there, sealed) in packets {
        let Some(compound) = open(is_there, sealed).and_then(|octets| rtcp::read(&octets)).filter(|compound| compound.clear) else {
            continue;
        };
        if is_there {
            report.unread = report.unread.saturating_sub(1);
            if let Some(place) = sealed.places.first() {
                report.take_in(&compound, &clocks, *place);
            }
        } else {
            sealed.places.iter().for_each(|place| clocks.remember_clocks(&compound, *place));
        }
    }
    report
}

impl Sender {
    fn join(&mut self, later: &Sender) {
        self.reports += later.reports;
        self.packets = later.packets.or(self.packets);
        self.octets = later.octets.or(self.octets);
        self.left |= later.left;
        if later.name.is_some() {
            self.name.clone_from(&later.name);
        }
    }
}

impl Reception {
    /// Nothing reported yet.
    pub fn new(reporter: Ssrc, ssrc: Ssrc) -> Self {
        let (jitter, rtt) = Default::default();
        Self { reporter, ssrc, reports: 0, lost: 0, highest: 0, fraction_max: 0, jitter, rtt, voip: None }
    }

    fn add(&mut self, block: &ReportBlock, round_trip: Option<i64>) {
        self.reports += 1;
        (self.lost, self.highest) = (block.lost, block.highest);
        self.fraction_max = self.fraction_max.max(block.fraction);
        self.jitter.add(i64::from(block.jitter));
        round_trip.into_iter().for_each(|ns| self.rtt.add(ns));
    }

    /// Takes in what the same source reported of the same later.
    pub fn join(&mut self, later: &Reception) {
        if later.reports > 0 {
            (self.lost, self.highest) = (later.lost, later.highest);
        }
        self.reports += later.reports;
        self.fraction_max = self.fraction_max.max(later.fraction_max);
        self.jitter.join(&later.jitter);
        self.rtt.join(&later.rtt);
        self.voip = later.voip.or(self.voip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;
    use crate::proto::rtcp;

    const A: u32 = 0xa;
    const B: u32 = 0xb;

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A sender report of A whose clock has the middle word `middle`.
    fn sender_report(middle: u32) -> Vec<u8> {
        bytes(&[0x80c8_0006, A, middle >> 16, middle << 16, 0, 50, 8_000])
    }

    /// A receiver report of B on A.
    fn receiver_report(loss: u32, jitter: u32, middle: u32, delay: u32) -> Vec<u8> {
        bytes(&[0x81c9_0007, B, A, loss, 100, jitter, middle, delay])
    }

    /// Gives a compound that goes `dir` and is seen at `tap` at `ms`.
    fn give(flow: &mut RtcpFlow, ledger: &mut Ledger, dir: Dir, (tap, ms): (u32, i64), bytes: &[u8]) {
        packet(0).seen(tap, 64, ms * 1_000).give(|packet, _| {
            let packet = Packet { dir, payload: bytes, ..*packet };
            flow.apply(&packet, &rtcp::read(bytes).unwrap(), ledger);
        });
    }

    fn taken(flow: &mut RtcpFlow) -> Vec<RtcpReport> {
        let mut out = Vec::new();
        flow.take(|_| true, &mut out);
        out
    }

    #[test]
    fn round_trip_is_from_the_tap_to_the_reporter_and_back() {
        let (mut flow, mut ledger) = (RtcpFlow::default(), Ledger::default());
        give(&mut flow, &mut ledger, Dir::Up, (0, 0), &sender_report(0x1234_5678));
        give(&mut flow, &mut ledger, Dir::Down, (0, 540), &receiver_report(0x4000_0003, 80, 0x1234_5678, 32_768));
        give(&mut flow, &mut ledger, Dir::Down, (0, 5_540), &receiver_report(0x0000_0007, 40, 0x1234_5678, 65_536 * 5 + 32_768 + 655));
        give(&mut flow, &mut ledger, Dir::Down, (0, 9_000), &receiver_report(0x00ff_ffff, 60, 0x8765_4321, 0));
        let reports = taken(&mut flow);
        let [sent, received] = reports.as_slice() else { panic!("one each way") };
        assert_eq!((sent.senders[0].packets, sent.senders[0].reports, sent.receptions.len()), (Some(50), 1, 0));
        let reception = &received.receptions[0];
        assert_eq!((reception.reports, reception.lost, reception.fraction_max, reception.highest), (3, -1, 64, 100));
        assert_eq!((reception.jitter.mean(), reception.jitter.max()), (Some((180, 3)), Some(80)));
        assert_eq!((reception.rtt.count(), reception.rtt.max()), (2, Some(40_000_000)));
        assert!(reception.rtt.min().is_some_and(|ns| (30_000_000..30_010_000).contains(&ns)));
    }

    #[test]
    fn copies_at_other_taps_report_nothing_new_and_taps_do_not_mix() {
        let (mut flow, mut ledger) = (RtcpFlow::default(), Ledger::default());
        give(&mut flow, &mut ledger, Dir::Up, (0, 0), &sender_report(1));
        give(&mut flow, &mut ledger, Dir::Up, (1, 10), &sender_report(1));
        give(&mut flow, &mut ledger, Dir::Down, (1, 30), &receiver_report(0, 0, 1, 0));
        give(&mut flow, &mut ledger, Dir::Down, (0, 40), &receiver_report(0, 0, 1, 0));
        give(&mut flow, &mut ledger, Dir::Down, (0, 41), &receiver_report(0, 0, 1, 0));
        let reports = taken(&mut flow);
        assert_eq!((reports[0].packets, reports[1].packets, ledger.duplicates), (1, 1, 1));
        assert_eq!((reports[1].receptions[0].reports, reports[1].receptions[0].rtt.max()), (1, Some(20_000_000)));
    }

    #[test]
    fn what_is_told_in_parts_joins_to_the_whole() {
        let told = |parts: &[&[u32]]| {
            let (mut flow, mut ledger) = (RtcpFlow::default(), Ledger::default());
            let mut out: Vec<RtcpReport> = Vec::new();
            for part in parts {
                for n in *part {
                    give(&mut flow, &mut ledger, Dir::Down, (0, i64::from(*n) * 5_000), &receiver_report(n << 24 | n, *n, 0, 0));
                }
                out.extend(taken(&mut flow));
            }
            let mut whole = out.remove(0);
            out.iter().for_each(|part| assert_eq!(whole.join(part), 0));
            whole
        };
        assert_eq!(told(&[&[1, 5], &[3], &[2, 4]]), told(&[&[1, 5, 3, 2, 4]]));
    }

    #[test]
    fn sources_have_a_cap_and_encrypted_packets_name_their_sender() {
        let (mut flow, mut ledger) = (RtcpFlow::default(), Ledger::default());
        for ssrc in 0..200 {
            give(&mut flow, &mut ledger, Dir::Up, (0, i64::from(ssrc)), &bytes(&[0x80c9_0001, ssrc, 0x8000_0001, 7]));
        }
        let reports = taken(&mut flow);
        assert_eq!((reports[0].senders.len(), reports[0].packets, reports[0].unread), (MOST_SOURCES, 200, 200));
        assert_eq!(ledger.evicted, 200 - MOST_SOURCES as u64);
    }
}
