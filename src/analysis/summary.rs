//! The summary of a run: what is known when all calls are judged.

use super::results::Results;
use super::{Settings, Source, contradict, control, peering, unread};
use crate::call::{Peerings, shard::MessageCounts};
use crate::config::Waiver;
use crate::decode::TapKey;
use crate::engine::{
    Taps,
    taps::{MOST_STACKS, MOST_TAPS},
};
use crate::flow::keylog::KeyLog;
use crate::ledger::{Kind, Ledger};
use crate::path::{Bound, Network, Sums};
use crate::report::{BySeverity, Decimal, InputEntry, LedgerEntry, SegmentEntry, Summary, TapEntry, Totals, WaiverEntry};
use crate::time::Timestamp;
use crate::topology::Segment;

/// Nanoseconds in a minute.
const MINUTE: i128 = 60_000_000_000;

/// What the front of the program knows of a run.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    /// The inputs as they were read.
    pub inputs: &'a [InputEntry],
    /// Files skipped, and the like.
    pub notes: &'a [String],
}

/// What the pipeline knows of a run.
pub struct InputFacts<'a> {
    /// Interfaces and files.
    pub source: Source<'a>,
    /// The taps.
    pub taps: &'a Taps,
    /// What routers told.
    pub peerings: &'a Peerings,
    /// The ledger, summed.
    pub ledger: &'a Ledger,
    /// Messages seen.
    pub counts: &'a MessageCounts,
    /// Fragments that overlapped others.
    pub overlaps: u64,
    /// Secrets of TLS connections.
    pub keys: &'a KeyLog,
    /// Legs that may belong to one of several calls.
    pub undecided: u64,
    /// End of the capture.
    pub clock: Timestamp,
}

/// Makes the summary.
pub fn summary(results: &Results, facts: &InputFacts<'_>, run: &RunFacts<'_>, settings: Settings<'_>) -> Summary {
    let findings = results.groups.entries();
    let mut by_severity = BySeverity::default();
    findings.iter().for_each(|finding| by_severity.count(finding.severity));
    let requests = facts.counts.methods.iter().map(|(method, n)| (method.clone(), *n));
    let responses = facts.counts.statuses.iter().map(|(status, n)| (status.to_string(), *n));
    Summary {
        inputs: run.inputs.to_vec(),
        taps: taps(facts),
        ledger: ledger(facts.ledger),
        findings,
        checks: results.checks().clone(),
        waivers: waivers(results, settings, facts.clock),
        totals: Totals {
            calls: results.calls,
            legs: results.legs,
            streams: results.streams,
            media_streams: results.media_streams,
            findings: by_severity,
            messages: requests.chain(responses).collect(),
            message_copies: facts.counts.copies,
            segments: results.traffic.iter().map(segment).collect(),
        },
        notes: notes(results, facts, run, settings),
    }
}

fn taps(facts: &InputFacts<'_>) -> Vec<TapEntry> {
    facts
        .taps
        .iter()
        .map(|(id, tap)| {
            let interface = facts.source.interfaces.get(tap.key.interface.0 as usize);
            let name = interface.and_then(|i| i.name.clone());
            TapEntry {
                id: id.0,
                inputs: tap.inputs.clone(),
                interface: tap.key.ifindex.map(|index| index.to_string()).or(name),
                vlan: tap.key.vlan.to_vec(),
                encapsulation: encapsulation(&tap.key),
            }
        })
        .collect()
}

fn segment((segment, bound, sums): (Segment, Bound, &Sums)) -> SegmentEntry {
    SegmentEntry {
        segment: segment.as_str().to_owned(),
        direction: bound.as_str().to_owned(),
        calls: sums.calls,
        packets: sums.packets,
        bytes: sums.bytes,
        media_minutes: Decimal::ratio(i128::from(sums.media), MINUTE),
        lost: sums.lost,
        loss_percent: Decimal::ratio(i128::from(sums.lost) * 100, i128::from(sums.expected)),
        rtt_ms: control::ms(&sums.round_trips),
    }
}

fn waivers(results: &Results, settings: Settings<'_>, clock: Timestamp) -> Vec<WaiverEntry> {
    let entry = |(i, waiver): (usize, &Waiver)| WaiverEntry {
        rule: waiver.rule.clone(),
        subject: waiver.subject(),
        reason: waiver.reason.clone(),
        expires: waiver.expires.to_string(),
        expired: waiver.is_over(clock),
        findings: results.waived.covered(i),
    };
    settings.config.waivers.iter().enumerate().map(entry).collect()
}

fn contradictions(results: &Results, facts: &InputFacts<'_>, settings: Settings<'_>) -> Vec<String> {
    let Source { interfaces, files } = facts.source;
    let network = Network { topology: settings.topology, taps: facts.taps, interfaces, files, peerings: facts.peerings };
    let speakers: Vec<_> = results.trunks.iter().map(|(sbc, _)| sbc).collect();
    // Taps that share the last number are not known one by one: any link may be there.
    let taps = if facts.taps.overflow { Vec::new() } else { network.tap_facts() };
    let mut notes = contradict::notes(settings.topology, &speakers, &taps);
    notes.extend(peering::notes(&network));
    notes
}

/// Mirror encapsulations in words, outer to inner.
fn encapsulation(key: &TapKey) -> Option<String> {
    let words: Vec<String> = key.mirror.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

fn ledger(ledger: &Ledger) -> LedgerEntry {
    LedgerEntry {
        records: ledger.sum(),
        kinds: Kind::ALL.iter().map(|kind| (kind.name().to_owned(), ledger.of(*kind))).collect(),
        undecoded: ledger.undecoded_by_reason().iter().map(|(why, n)| (why.to_string(), *n)).collect(),
        duplicates: ledger.duplicates,
        evicted: ledger.evicted,
    }
}

fn notes(results: &Results, facts: &InputFacts<'_>, run: &RunFacts<'_>, settings: Settings<'_>) -> Vec<String> {
    let blind = settings.rules.iter().filter(|rule| rule.reads_sip()).count();
    let mut notes: Vec<String> = results.unread.iter().map(|(reason, n)| unread::note(reason, *n, blind)).collect();
    if facts.keys.bad_lines > 0 {
        notes.push(format!("{} lines of the key logs could not be read: they are cut, or no key log's", facts.keys.bad_lines));
    }
    notes.extend(run.notes.iter().cloned());
    notes.extend(settings.topology.notes.iter().cloned());
    notes.extend(contradictions(results, facts, settings));
    for interface in facts.source.interfaces.iter().filter(|i| i.dropped > 0) {
        let name = interface.name.as_deref().unwrap_or("an interface");
        notes.push(format!("{name} dropped {} packets while capturing: what they held is not in this report", interface.dropped));
    }
    if facts.taps.overflow {
        notes.push(format!("more than {MOST_TAPS} taps were seen: further ones share one"));
    }
    if facts.taps.tunnels_overflow {
        notes.push(format!("more than {MOST_STACKS} stacks of tunnels were seen: packets of further ones are shown without"));
    }
    if facts.overlaps > 0 {
        let text = "fragments overlapped others of their datagram in part: what came first was kept, so what is read there may not be what was sent";
        notes.push(format!("{} {text}", facts.overlaps));
    }
    if facts.undecided > 0 {
        let legs = if facts.undecided == 1 { "1 leg fits" } else { &format!("{} legs fit", facts.undecided) };
        notes.push(format!(
            "{legs} several legs that its sender received a moment before alike: nothing is joined there (a Session-ID would tell)"
        ));
    }
    // What is missing is worth a draft only where there is an SBC to draft it for.
    let draft = if results.trunks.iter().next().is_some() { "; 'callpath topology init' drafts what to ask the network team" } else { "" };
    if settings.topology.file.is_none() {
        let text = "no topology file: places are guessed from addresses, and ExpressRoute cannot be told from the Internet";
        notes.push(format!("{text}{draft}"));
    } else if !settings.topology.has_links() {
        let seen = if facts.peerings.are_shown() { "seen only where BGP shows it" } else { "not seen" };
        notes.push(format!("the topology has no [[link]] and no [[tunnel]]: which segment packets crossed is {seen}{draft}"));
    }
    notes.push(format!("Microsoft prefixes: {}", settings.topology.microsoft_lists()));
    notes
}
