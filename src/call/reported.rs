//! RTCP beside the streams it is about: on their own flow (RFC 5761), or on the next port of either end (RFC 3550 section 11). It comes
//! from another shard there, so the two meet here.

use super::keyring::Tried;
use crate::decode::{Dir, FlowKey};
use crate::flow::{Reception, RtcpReport, Stream, rtcp};
use crate::ledger::Ledger;
use crate::proto::{rtp::Ssrc, srtp::Session};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Directions of flows that reports are kept of; beyond it those unheard of for longest go, at the next sweep.
const MOST_WAYS: usize = 1 << 17;
/// Reports on streams that nobody came for are kept this long: longer than a silent dialog stays open.
const KEPT: Span = Span::secs(45 * 60);
/// Directions looked at that share one end with a stream; a relay's port may have thousands.
const MOST_LOOKED_AT: usize = 32;
/// Octets of sealed packets that are kept; beyond it those of the ways unheard of for longest go, at the next sweep.
const MOST_SEALED: usize = 64 << 20;

/// What others say about a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// What its receivers said.
    pub reception: Reception,
    /// Packets that its sender had sent at its last sender report.
    pub sent: Option<u32>,
    /// Canonical name of its sender.
    pub name: Option<String>,
    /// RTCP packets about it that could not be read, because they are encrypted or cut.
    pub unread: u64,
}

/// The keys of a stream: of who sends it, and of who receives it.
pub struct Ways<'k> {
    /// They seal what goes with it.
    pub there: Tried<'k>,
    /// They seal what comes back.
    pub back: Tried<'k>,
}

/// What RTCP said, by the way it went.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Reports {
    by_way: BTreeMap<(FlowKey, Dir), RtcpReport>,
    /// The same by the ends of its way.
    ends: BTreeSet<(SocketAddr, FlowKey, Dir)>,
    /// Sources dropped at a cap.
    evicted: u64,
}

impl Reports {
    /// Takes in what was told.
    pub fn add(&mut self, report: RtcpReport) {
        let way = (report.flow, report.dir);
        if let Some(known) = self.by_way.get_mut(&way) {
            self.evicted += known.join(&report);
            return;
        }
        let (a, b) = report.flow.endpoints();
        self.ends.extend([a, b].map(|end| (end, report.flow, report.dir)));
        self.by_way.insert(way, report);
    }

    /// Forgets what nobody came for, at `clock`.
    pub fn retire(&mut self, clock: Timestamp, ledger: &mut Ledger) {
        ledger.evicted += std::mem::take(&mut self.evicted);
        let mut gone: Vec<(FlowKey, Dir)> =
            self.by_way.iter().filter(|(_, report)| clock - report.until > KEPT).map(|(way, _)| *way).collect();
        let over = self.by_way.len().saturating_sub(gone.len() + MOST_WAYS);
        if over > 0 {
            let mut ages: Vec<_> = self.by_way.iter().map(|(way, report)| (report.until, *way)).collect();
            ages.sort_unstable();
            gone = ages.into_iter().map(|(_, way)| way).take(gone.len() + over).collect();
            ledger.evicted += over as u64;
        }
        gone.into_iter().for_each(|way| self.forget(way));
        self.let_go_of_sealed();
    }

    fn let_go_of_sealed(&mut self) {
        let mut octets: usize = self.by_way.values().map(|report| report.sealed.octets()).sum();
        if octets <= MOST_SEALED {
            return;
        }
        let mut oldest: Vec<&mut RtcpReport> = self.by_way.values_mut().filter(|report| !report.sealed.is_empty()).collect();
        oldest.sort_by_key(|report| (report.until, report.first.seq));
        for report in oldest {
            if octets <= MOST_SEALED {
                break;
            }
            octets -= std::mem::take(&mut report.sealed).octets();
        }
    }

    fn forget(&mut self, way: (FlowKey, Dir)) {
        self.by_way.remove(&way);
        let (a, b) = way.0.endpoints();
        for end in [a, b] {
            self.ends.remove(&(end, way.0, way.1));
        }
    }

    /// Somebody named its source, as a sender or as one that is received.
    pub fn knows(&self, stream: &Stream) -> bool {
        let sends = |report: &RtcpReport| report.senders.iter().any(|sender| sender.ssrc == stream.ssrc);
        self.near(stream, stream.dir).into_iter().any(sends)
            || self.near(stream, stream.dir.reverse()).into_iter().any(|report| !receptions(report, stream.ssrc).is_empty())
    }

    /// What is said about a stream, what its keys open included; `None` where nobody says anything.
    pub fn about(&self, stream: &Stream, keys: &Ways<'_>) -> Option<Reported> {
        if self.ends.is_empty() {
            return None;
        }
        let back = self.opened(self.near(stream, stream.dir.reverse()), &keys.back, &keys.there);
        let forth = self.opened(self.near(stream, stream.dir), &keys.there, &keys.back);
        let told = back.iter().map(|report| receptions(report, stream.ssrc)).find(|found| !found.is_empty());
        let sender = forth.iter().find_map(|report| report.senders.iter().find(|s| s.ssrc == stream.ssrc));
        let unread = back.iter().map(|report| report.unread).find(|n| *n > 0).unwrap_or(0);
        let mut reception = Reception::new(Ssrc(0), stream.ssrc);
        for told in told.iter().flatten() {
            (reception.reporter, reception.ssrc) = (told.reporter, told.ssrc);
            reception.join(told);
        }
        let known = told.is_some() || sender.is_some() || unread > 0;
        let (sent, name) = (sender.and_then(|s| s.packets), sender.and_then(|s| s.name.clone()));
        known.then_some(Reported { reception, sent, name, unread })
    }

    /// The reports, with what keys open of them: `own` of who sent them, `other` of the other end, whose clocks they answer.
    fn opened<'r>(&'r self, reports: Vec<&'r RtcpReport>, own: &[&Session], other: &[&Session]) -> Vec<Cow<'r, RtcpReport>> {
        let open = |report: &'r RtcpReport| {
            if report.sealed.is_empty() || own.is_empty() {
                return Cow::Borrowed(report);
            }
            let back = self.by_way.get(&(report.flow, report.dir.reverse()));
            let opens = |there, octets: &[u8]| if there { own } else { other }.iter().find_map(|key| key.open_rtcp(octets));
            Cow::Owned(rtcp::opened(report, back, |there, sealed| opens(there, &sealed.octets)))
        };
        reports.into_iter().map(open).collect()
    }

    /// Reports whose way leads along the flow of a stream, in direction `dir` of it: between the same ports or the next, at both ends or, as
    /// gateways translate ports, at one of them. The nearest come first.
    fn near(&self, stream: &Stream, dir: Dir) -> Vec<&RtcpReport> {
        let (src, dst) = stream.flow.from_to(dir);
        let fits = |end: SocketAddr, of: SocketAddr| {
            end.ip() == of.ip() && (end.port() == of.port() || Some(end.port()) == of.port().checked_add(1))
        };
        let mut found: Vec<(bool, bool, &RtcpReport)> = Vec::new();
        for end in [src, dst].into_iter().flat_map(|end| [Some(end), next(end)]).flatten() {
            let from = (end, FlowKey::V4([0; 16]), Dir::Up);
            for (_, flow, way) in self.ends.range(from..).take_while(|(at, ..)| *at == end).take(MOST_LOOKED_AT) {
                let (from, to) = flow.from_to(*way);
                let Some(report) = self.by_way.get(&(*flow, *way)) else { continue };
                if (from.ip(), to.ip()) == (src.ip(), dst.ip()) && (fits(from, src) || fits(to, dst)) {
                    found.push((*flow != stream.flow, !(fits(from, src) && fits(to, dst)), report));
                }
            }
        }
        found.sort_by_key(|(other, half, report)| (*other, *half, report.first.seq));
        found.dedup_by_key(|(.., report)| report.first.seq);
        found.into_iter().map(|(.., report)| report).collect()
    }
}

fn receptions(report: &RtcpReport, ssrc: Ssrc) -> Vec<&Reception> {
    report.receptions.iter().filter(|reception| reception.ssrc == ssrc).collect()
}

fn next(end: SocketAddr) -> Option<SocketAddr> {
    Some(SocketAddr::new(end.ip(), end.port().checked_add(1)?))
}
