//! A call's section: who spoke with whom and how it ended, its legs, its ladder, its streams.

use super::style::{self, Pen};
use super::{calls, counted, ladder::Ladder, path, when, width};
use crate::report::{CallEntry, CallReport, Decimal, EventsEntry, RelayEntry, RtcpEntry, StreamEntry, escape::brief, escape::escape};
use std::io::{self, Write};

/// Legs and streams listed.
const MAX_LISTED: usize = 8;
/// A gap worth a word: one second.
const LONG_GAP: Decimal<3> = Decimal(1_000_000);
/// Columns of a Call-ID or reason phrase.
const LONGEST: usize = 300;

/// The section of `call` without its heading, at most `pen.width` columns wide.
pub fn draw(call: &CallReport<'_>, pen: Pen) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, call, pen).expect("a Vec takes all bytes");
    out
}

fn write(out: &mut dyn Write, report: &CallReport<'_>, pen: Pen) -> io::Result<()> {
    if let Some(call) = &report.call {
        head(out, call, pen)?;
    }
    for kind in ["signalling", "media"] {
        for line in path::lines(&report.hops, kind) {
            pen.paragraph(out, pen.line().put(style::DIM, &format!("{kind:<10}  ")).take(), style::PLAIN, &line)?;
        }
    }
    if let Some(scenario) = &report.scenario {
        pen.paragraph(out, pen.line().put(style::DIM, "expected    ").take(), style::PLAIN, &escape(scenario))?;
    }
    if let Some(failure) = report.call.as_ref().and_then(|call| call.failure.as_ref()) {
        pen.paragraph(out, pen.line().put(style::DIM, "why         ").take(), style::PLAIN, &escape(failure))?;
    }
    Ladder::of(report, pen).write(out)?;
    for (_, stream) in report.streams.iter().take(MAX_LISTED) {
        pen.paragraph(out, pen.line().put(style::DIM, "rtp  ").take(), style::PLAIN, &of_stream(stream))?;
    }
    more(out, pen, "stream", "streams", report.streams.len())
}

fn head(out: &mut dyn Write, call: &CallEntry<'_>, pen: Pen) -> io::Result<()> {
    let (caller, callee) = (calls::party(call, call.caller.as_deref(), |l| &l.a), calls::party(call, call.callee.as_deref(), |l| &l.b));
    let outcome = calls::outcome(call);
    let reason = call.legs.first().and_then(|leg| leg.reason.as_deref().filter(|_| leg.status.is_some_and(|s| s >= 300)));
    let mut lead = pen.line();
    lead.put(style::of_outcome(&outcome), &width::fit(&outcome, pen.width / 3)).put(style::PLAIN, " ");
    let started = format!("{} {} UTC", when::date(&call.started), when::clock(&call.started));
    let reason = reason.map(|reason| format!("{}, ", brief(reason, LONGEST))).unwrap_or_default();
    pen.paragraph(out, lead, style::PLAIN, &format!("{reason}{caller} to {callee}, started {}", escape(&started)))?;
    for leg in call.legs.iter().take(MAX_LISTED) {
        let Some(call_id) = &leg.call_id else { continue };
        let transport = leg.transport.as_deref().unwrap_or("unknown transport");
        let joined = leg.joined_by.as_ref().map(|why| format!(", joined by {}", brief(why, LONGEST))).unwrap_or_default();
        let text = format!("{} ({}, {} side{joined})", brief(call_id, LONGEST), escape(transport), escape(&leg.side));
        pen.paragraph(out, pen.line().put(style::DIM, "Call-ID  ").take(), style::PLAIN, &text)?;
    }
    more(out, pen, "leg", "legs", call.legs.len())
}

fn more(out: &mut dyn Write, pen: Pen, one: &str, many: &str, total: usize) -> io::Result<()> {
    match total.saturating_sub(MAX_LISTED) {
        0 => Ok(()),
        n => pen.line().put(style::DIM, &format!("… {} more", counted(n as u64, one, many))).write(out),
    }
}

/// `198.51.100.5:4000 to 52.112.0.9:49200, PCMU/8000, SSRC 0x0000beef, 500 packets, 2 lost (0.40 %), jitter 1.2 ms, max 3.4 ms, …`
fn of_stream(stream: &StreamEntry<'_>) -> String {
    let rate = stream.clock_rate.map(|rate| format!("/{rate}")).unwrap_or_default();
    let codec =
        stream.codec.as_ref().map_or_else(|| format!("payload types {:?}", stream.payload_types), |c| format!("{}{rate}", escape(c)));
    let mut parts = vec![format!("{} to {}", escape(&stream.src), escape(&stream.dst)), codec];
    parts.extend(stream.secured.then(|| of_key(stream)));
    parts.push(format!("SSRC {}", escape(&stream.ssrc)));
    parts.push(counted(stream.packets, "packet", "packets"));
    parts.push(lost(stream));
    if let (Some(mean), Some(max)) = (stream.jitter_ms.mean, stream.jitter_ms.max) {
        parts.push(format!("jitter mean {mean} ms, max {max} ms"));
    }
    parts.extend(stream.delta_ms.max.map(|max| format!("delta max {max} ms")));
    parts.extend(stream.mos.map(|mos| match stream.mos_min.filter(|worst| *worst < mos) {
        Some(worst) => format!("MOS {mos}, worst {worst}"),
        None => format!("MOS {mos}"),
    }));
    parts.extend(keys(stream));
    parts.extend(events(&stream.events));
    parts.extend(stream.continues.as_ref().map(|_| match stream.continues_by.as_deref() {
        Some("reencrypted") => "the same stream beyond a relay that encrypts anew".to_owned(),
        _ => "the same stream beyond a NAT or relay".to_owned(),
    }));
    parts.push(format!("DSCP {}", stream.dscp));
    parts.push(escape(&stream.segment).into_owned());
    parts.extend(stream.relay.as_ref().map(of_relay));
    parts.extend(stream.rtcp.as_ref().and_then(of_rtcp));
    parts.join(", ")
}

/// `SRTP`, and where a key is known, whether it is the one in use: `SRTP, key proven`, `SRTP, key not in use (4 of 4 packets)`.
fn of_key(stream: &StreamEntry<'_>) -> String {
    match &stream.srtp {
        Some(srtp) if srtp.failed > 0 => format!("SRTP, key not in use ({} of {} packets)", srtp.failed, srtp.failed + srtp.verified),
        Some(srtp) if srtp.rekeyed => "SRTP, keys proven, one after the other".to_owned(),
        Some(srtp) if srtp.verified > 0 => "SRTP, key proven".to_owned(),
        _ => "SRTP".to_owned(),
    }
}

/// `relayed by 52.112.10.20:3478 for 192.0.2.9:50000`
fn of_relay(relay: &RelayEntry) -> String {
    let peer = relay.peer.as_ref().map(|peer| format!(" for {}", escape(peer))).unwrap_or_default();
    format!("relayed by {}{peer}", relay.server.as_deref().map_or("an unknown server".into(), escape))
}

/// `receiver reports 2 lost, jitter max 3.125 ms, round trip 30.000 ms`; `None` where nothing is reported.
fn of_rtcp(rtcp: &RtcpEntry) -> Option<String> {
    let mut parts = vec![format!("receiver reports {} lost", rtcp.lost?)];
    parts.extend(rtcp.jitter_ms.max.map(|max| format!("jitter max {max} ms")));
    parts.extend(rtcp.rtt_ms.mean.map(|mean| format!("round trip {mean} ms")));
    Some(parts.join(", "))
}

/// `2 lost (0.40 %): 2 between tap 0 and tap 1`.
fn lost(stream: &StreamEntry<'_>) -> String {
    let located = stream.taps.iter().filter(|tap| tap.lost == stream.lost).find_map(|tap| tap.located.as_deref());
    let located = located.map(|located| format!(": {}", escape(located))).unwrap_or_default();
    format!("{} lost ({} %){located}", stream.lost, stream.loss_percent)
}

/// `DTMF 0123#`, or that there were keys which nobody can read.
fn keys(stream: &StreamEntry<'_>) -> Option<String> {
    let Some(digits) = &stream.dtmf else { return Some("DTMF encrypted".to_owned()) };
    let keys = digits.iter().map(|digit| if digit.digit.len() == 1 { digit.digit.clone() } else { format!(" {} ", digit.digit) });
    let keys = keys.collect::<String>();
    let more = if stream.events.digits_left_out > 0 { "…" } else { "" };
    (!keys.is_empty()).then(|| format!("DTMF {}{more}", escape(keys.trim())))
}

/// What an engineer asks about: timestamps that jump, another codec on the way, packets held up.
fn events(events: &EventsEntry) -> Vec<String> {
    let jumps = events.timestamp_jumps.count;
    let changes = events.payload_type_changes.count;
    let held_up = events.longest_gap_ms.filter(|gap| events.longest_gap.as_deref() == Some("held_up") && *gap >= LONG_GAP);
    let mut parts = Vec::new();
    parts.extend((jumps > 0).then(|| counted(jumps, "timestamp jump", "timestamp jumps")));
    parts.extend((changes > 0).then(|| counted(changes, "change of payload type", "changes of payload type")));
    parts.extend(held_up.map(|gap| format!("held up for {gap} ms")));
    parts
}
