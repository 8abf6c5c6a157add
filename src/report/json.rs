//! `--format json`: one `callpath.report/1` object. Calls, streams and hops go from their spools to the sink one by one, so that
//! the report is never in memory as a whole.

use super::spool::Spool;
use super::{CallReport, Format, LedgerEntry, Rendered, Summary, compact};
use crate::ledger::Kind;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Value of `schema`.
pub const SCHEMA: &str = "callpath.report/1";

const CALLS: usize = 0;
const STREAMS: usize = 1;
const HOPS: usize = 2;

/// One object with the members of the contract; arrays are sorted by first record and hold one compact entry per line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Format for Json {
    fn sections(&self) -> usize {
        3
    }

    fn render(&self, call: &CallReport<'_>, out: &mut Rendered) {
        call.call.iter().for_each(|entry| out.entry(CALLS, call.first, |text| append_next(text, entry)));
        call.streams.iter().for_each(|(first, entry)| out.entry(STREAMS, *first, |text| append_next(text, entry)));
        call.hops.iter().for_each(|(first, entry)| out.entry(HOPS, *first, |text| append_next(text, entry)));
    }

    fn finish(&self, summary: &Summary, sections: &mut [Spool], out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\"schema\":\"{SCHEMA}\",\n\"tool\":{},\n", tool())?;
        array(out, "inputs", &summary.inputs)?;
        array(out, "taps", &summary.taps)?;
        writeln!(out, "\"ledger\":{},", ledger(&summary.ledger))?;
        for (name, spool) in ["calls", "streams", "hops"].iter().zip(sections.iter_mut()) {
            spooled(out, name, spool)?;
        }
        array(out, "findings", &summary.findings)?;
        member(out, "checks", &summary.checks)?;
        array(out, "waivers", &summary.waivers)?;
        member(out, "totals", &summary.totals)?;
        out.write_all(b"\"notes\":")?;
        serde_json::to_writer(&mut *out, &summary.notes)?;
        out.write_all(b"}\n")
    }
}

/// `{ name, version }` of this build.
pub(super) fn tool() -> Value {
    json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") })
}

/// The ledger with all 13 kinds, those without a record as 0.
pub(super) fn ledger(ledger: &LedgerEntry) -> Value {
    let of = |kind: &Kind| ledger.kinds.get(kind.name()).copied().unwrap_or(0);
    let kinds: Map<String, Value> = Kind::ALL.iter().map(|kind| (kind.name().to_owned(), of(kind).into())).collect();
    json!({
        "records": ledger.records,
        "kinds": kinds,
        "undecoded": ledger.undecoded,
        "duplicates": ledger.duplicates,
        "evicted": ledger.evicted,
    })
}

/// Appends `value` without white space. Entries are plain data with string keys, so serialising them cannot fail.
pub(super) fn append(text: &mut Vec<u8>, value: &impl Serialize) {
    compact::append(text, value).expect("plain data with string keys");
}

/// Appends an entry behind what parts it from the one before: so that entries are written many at a time.
fn append_next(text: &mut Vec<u8>, value: &impl Serialize) {
    text.extend_from_slice(separator(1));
    append(text, value);
}

fn member(out: &mut dyn Write, name: &str, value: &impl Serialize) -> io::Result<()> {
    write!(out, "\"{name}\":")?;
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b",\n")
}

fn array<T: Serialize>(out: &mut dyn Write, name: &str, entries: &[T]) -> io::Result<()> {
    write!(out, "\"{name}\":[")?;
    for (i, entry) in entries.iter().enumerate() {
        out.write_all(separator(i))?;
        serde_json::to_writer(&mut *out, entry)?;
    }
    out.write_all(b"],\n")
}

fn spooled(out: &mut dyn Write, name: &str, spool: &mut Spool) -> io::Result<()> {
    write!(out, "\"{name}\":[")?;
    // The first entry has none before it.
    let mut surplus = separator(1).len() - separator(0).len();
    spool.for_each_run(|entries| out.write_all(entries.get(std::mem::take(&mut surplus)..).unwrap_or_default()))?;
    out.write_all(b"],\n")
}

fn separator(i: usize) -> &'static [u8] {
    if i == 0 { b"\n" } else { b",\n" }
}

/// Renders `calls` with `format` and writes the report into memory, as a run does.
#[cfg(test)]
pub(super) fn written(format: &dyn Format, calls: &[CallReport<'_>], summary: &Summary) -> Vec<u8> {
    let mut sections: Vec<Spool> = (0..format.sections()).map(|_| Spool::default()).collect();
    for call in calls {
        let mut rendered = Rendered::default();
        format.render(call, &mut rendered);
        for (section, part) in sections.iter_mut().zip(rendered.0) {
            section.append(part).unwrap();
        }
    }
    let mut out = Vec::new();
    format.finish(summary, &mut sections, &mut out).unwrap();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Seq;
    use crate::report::sample::{HOSTILE, sample};
    use crate::report::{AlertEntry, CallEntry, CertificateEntry, HopEntry, LegEntry, StreamEntry, TlsEntry};
    use std::collections::BTreeSet;

    /// Every path of `callpath.report/1`, as contract.md lists it; `[]` is an array's entry, `*` any key.
    const CONTRACT: &str = "schema tool tool.name tool.version
        inputs inputs[] inputs[].path inputs[].format inputs[].compression inputs[].records inputs[].bytes inputs[].first inputs[].last
        inputs[].complete inputs[].problem
        taps taps[] taps[].id taps[].inputs taps[].inputs[] taps[].interface taps[].vlan taps[].vlan[] taps[].encapsulation
        ledger ledger.records ledger.kinds ledger.kinds.sip ledger.kinds.rtp ledger.kinds.rtcp ledger.kinds.stun ledger.kinds.dtls
        ledger.kinds.tls ledger.kinds.dns ledger.kinds.tcp ledger.kinds.udp ledger.kinds.icmp ledger.kinds.sctp ledger.kinds.other_ip
        ledger.kinds.non_ip ledger.undecoded ledger.undecoded.* ledger.duplicates ledger.evicted
        calls calls[] calls[].id calls[].kind calls[].outcome calls[].started calls[].answered calls[].ended calls[].caller
        calls[].callee calls[].legs calls[].legs[] calls[].streams calls[].streams[] calls[].fax calls[].fax[] calls[].scenario calls[].failure calls[].findings calls[].findings[]
        calls[].legs[].call_id calls[].legs[].from calls[].legs[].to calls[].legs[].transport calls[].legs[].a calls[].legs[].b
        calls[].legs[].side calls[].legs[].requests calls[].legs[].responses calls[].legs[].retransmissions calls[].legs[].status
        calls[].legs[].reason calls[].legs[].setup_ms calls[].legs[].hops calls[].legs[].hops[] calls[].legs[].joined_by
        calls[].legs[].correlation
        streams streams[] streams[].id streams[].call streams[].hop streams[].continues streams[].continues_by streams[].continues_ms streams[].follows streams[].src streams[].dst streams[].ssrc
        streams[].payload_types streams[].payload_types[] streams[].codec streams[].clock_rate streams[].secured streams[].packets
        streams[].expected streams[].lost streams[].loss_percent streams[].duplicates streams[].reordered streams[].jitter_ms
        streams[].jitter_ms.mean streams[].jitter_ms.max streams[].delta_ms streams[].delta_ms.min streams[].delta_ms.mean
        streams[].delta_ms.max streams[].mos streams[].mos_min streams[].mos_basis
        streams[].intervals streams[].intervals[] streams[].intervals[].from streams[].intervals[].seconds streams[].intervals[].packets
        streams[].intervals[].lost streams[].intervals[].jitter_ms streams[].intervals[].mos
        streams[].dtmf streams[].dtmf[] streams[].dtmf[].digit streams[].dtmf[].at streams[].dtmf[].duration_ms streams[].dtmf[].volume
        streams[].dtmf[].record streams[].dtmf[].record.input streams[].dtmf[].record.number
        streams[].events streams[].events.comfort_noise streams[].events.digits_left_out streams[].events.payload_type_changes
        streams[].events.payload_type_changes.count streams[].events.payload_type_changes.first streams[].events.timestamp_jumps
        streams[].events.timestamp_jumps.count streams[].events.timestamp_jumps.first streams[].events.longest_gap_ms
        streams[].events.longest_gap streams[].events.longest_gap_record streams[].events.longest_gap_record.input
        streams[].events.longest_gap_record.number streams[].dscp streams[].first streams[].last streams[].segment streams[].basis
        streams[].taps streams[].taps[] streams[].taps[].tap streams[].taps[].ttl streams[].taps[].packets streams[].taps[].lost
        streams[].taps[].located streams[].taps[].tunnels streams[].taps[].tunnels[]
        streams[].taps[].delay_ms
        streams[].srtp streams[].srtp.suite streams[].srtp.verified streams[].srtp.failed streams[].srtp.rekeyed
        streams[].rtcp streams[].rtcp.reports streams[].rtcp.lost streams[].rtcp.fraction_max_percent streams[].rtcp.jitter_ms
        streams[].rtcp.jitter_ms.mean streams[].rtcp.jitter_ms.max streams[].rtcp.rtt_ms streams[].rtcp.rtt_ms.min
        streams[].rtcp.rtt_ms.mean streams[].rtcp.rtt_ms.max streams[].rtcp.sent streams[].rtcp.cname streams[].rtcp.unread
        streams[].rtcp.voip streams[].rtcp.voip.loss_percent streams[].rtcp.voip.discard_percent streams[].rtcp.voip.round_trip_ms
        streams[].rtcp.voip.end_system_ms streams[].rtcp.voip.r_factor streams[].rtcp.voip.mos_lq streams[].rtcp.voip.mos_cq
        streams[].relay streams[].relay.server streams[].relay.peer streams[].relay.channel
        calls[].ice calls[].ice[] calls[].ice[].local calls[].ice[].remote calls[].ice[].nominated calls[].ice[].checks
        calls[].ice[].successes calls[].ice[].rtt_ms calls[].ice[].rtt_ms.min calls[].ice[].rtt_ms.mean calls[].ice[].rtt_ms.max
        calls[].ice[].relay calls[].ice[].relay.server calls[].ice[].relay.peer calls[].ice[].relay.channel
        hops hops[] hops[].id hops[].call hops[].kind hops[].a hops[].a.ip hops[].a.place hops[].b hops[].b.ip hops[].b.place
        hops[].a_to_b hops[].a_to_b.segment hops[].a_to_b.basis hops[].a_to_b.packets hops[].a_to_b.bytes
        hops[].b_to_a hops[].b_to_a.segment hops[].b_to_a.basis hops[].b_to_a.packets hops[].b_to_a.bytes
        hops[].asymmetric hops[].asymmetric.verdict hops[].asymmetric.evidence hops[].asymmetric.evidence[]
        hops[].tls hops[].tls[] hops[].tls[].opened_by hops[].tls[].rtt_ms hops[].tls[].client hops[].tls[].server hops[].tls[].version hops[].tls[].suite
        hops[].tls[].server_name hops[].tls[].protocol hops[].tls[].resumed hops[].tls[].certificate_requested hops[].tls[].complete
        hops[].tls[].opened hops[].tls[].unopened hops[].tls[].lost hops[].tls[].alerts hops[].tls[].alerts[] hops[].tls[].alerts[].from
        hops[].tls[].alerts[].name hops[].tls[].alerts[].meaning hops[].tls[].alerts[].record hops[].tls[].alerts[].record.input
        hops[].tls[].alerts[].record.number
        hops[].tls[].client_certificate hops[].tls[].client_certificate.subject hops[].tls[].client_certificate.issuer
        hops[].tls[].client_certificate.names hops[].tls[].client_certificate.names[] hops[].tls[].client_certificate.not_before
        hops[].tls[].client_certificate.not_after hops[].tls[].client_certificate.key hops[].tls[].client_certificate.usage
        hops[].tls[].client_certificate.usage[] hops[].tls[].client_certificate.chain
        hops[].tls[].server_certificate
        findings findings[] findings[].id findings[].rule findings[].severity findings[].title findings[].message findings[].subject
        findings[].value findings[].call findings[].calls findings[].count findings[].records findings[].records[]
        findings[].records[].input findings[].records[].number findings[].evidence findings[].evidence[] findings[].evidence[].input
        findings[].evidence[].number findings[].evidence[].time findings[].evidence[].excerpt findings[].remedy findings[].sources
        findings[].sources[] findings[].filter
        checks checks.* checks.*.violated checks.*.clean checks.*.not_checked checks.*.reasons checks.*.reasons[]
        waivers waivers[] waivers[].rule waivers[].subject waivers[].reason waivers[].expires waivers[].expired waivers[].findings
        totals totals.calls totals.legs totals.streams totals.media_streams totals.findings totals.findings.error totals.findings.warning totals.findings.info
        totals.messages totals.messages.* totals.message_copies totals.segments totals.segments[] totals.segments[].segment
        totals.segments[].direction totals.segments[].calls totals.segments[].packets totals.segments[].bytes totals.segments[].media_minutes
        totals.segments[].lost totals.segments[].loss_percent totals.segments[].rtt_ms totals.segments[].rtt_ms.min
        totals.segments[].rtt_ms.mean totals.segments[].rtt_ms.max
        notes notes[]";

    fn paths(value: &Value, at: &str, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let name = if ["ledger.undecoded", "checks", "totals.messages"].contains(&at) { "*" } else { name };
                    let path = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
                    paths(member, &path, into);
                    into.insert(path);
                }
            }
            Value::Array(entries) => entries.iter().for_each(|entry| {
                paths(entry, &format!("{at}[]"), into);
                into.insert(format!("{at}[]"));
            }),
            _ => {}
        }
    }

    fn full() -> Value {
        let (summary, mut calls) = sample();
        if let Some(call) = &mut calls[0].call {
            call.streams.push("0000000001f4".into());
            call.legs[0].hops.push("media-198.51.100.5".into());
        }
        let own = CertificateEntry { names: vec!["a".into()], usage: Some(vec!["any".into()]), ..CertificateEntry::default() };
        let tls = TlsEntry { client_certificate: Some(own), alerts: vec![AlertEntry::default()], ..TlsEntry::default() };
        calls[0].hops[0].1.tls.push(tls);
        serde_json::from_slice(&written(&Json, &calls, &summary)).unwrap()
    }

    #[test]
    fn fields_are_those_of_the_contract_at_every_level() {
        let mut found = BTreeSet::new();
        paths(&full(), "", &mut found);
        let contract: BTreeSet<String> = CONTRACT.split_whitespace().map(str::to_owned).collect();
        let differing: Vec<_> = found.symmetric_difference(&contract).collect();
        assert!(differing.is_empty(), "{differing:?}");
    }

    #[test]
    fn what_is_unknown_is_null_and_never_absent() {
        let call = CallEntry { legs: vec![LegEntry::default()], ..CallEntry::default() };
        let empty = CallReport {
            call: Some(call),
            streams: vec![(Seq(0), StreamEntry::default())],
            hops: vec![(Seq(0), HopEntry::default())],
            ..CallReport::default()
        };
        let bare: Value = serde_json::from_slice(&written(&Json, &[empty], &Summary::default())).unwrap();
        let full = full();
        for path in ["/calls/0", "/calls/0/legs/0", "/streams/0", "/streams/0/jitter_ms", "/hops/0", "/hops/0/a_to_b", "/ledger", "/totals"]
        {
            let keys = |of: &Value| of.pointer(path).and_then(Value::as_object).map(|o| o.keys().cloned().collect::<Vec<_>>());
            assert_eq!(keys(&bare), keys(&full), "{path}");
            assert!(keys(&bare).is_some(), "{path}");
        }
        assert!(
            ["/calls/0/outcome", "/calls/0/scenario", "/streams/0/mos", "/calls/0/legs/0/status"]
                .iter()
                .all(|p| bare.pointer(p) == Some(&Value::Null))
        );
        assert_eq!(bare.pointer("/ledger/kinds").and_then(Value::as_object).map(Map::len), Some(13));
    }

    #[test]
    fn entries_stand_one_to_a_line_in_order_of_first_record() {
        let (summary, mut calls) = sample();
        calls.reverse();
        let text = String::from_utf8(written(&Json, &calls, &summary)).unwrap();
        let started: Vec<&str> = text.lines().filter(|line| line.starts_with("{\"id\"") && line.contains("\"started\"")).collect();
        assert_eq!(started.len(), 3);
        assert!(started[0].contains("a1b2c3d4e5f6") && started[2].contains("ba0ba0ba0ba0"));
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn captured_text_comes_back_as_it_was_without_a_raw_control_character() {
        let text = written(&Json, &sample().1, &sample().0);
        assert!(text.iter().all(|b| *b >= 0x20 || *b == b'\n'));
        assert_eq!(full().pointer("/calls/2/caller").and_then(Value::as_str), Some(HOSTILE));
    }

    #[test]
    fn decimals_stay_decimals() {
        let report = full();
        assert_eq!(report.pointer("/streams/1/loss_percent"), Some(&json!(0.4)));
        assert_eq!(report.pointer("/streams/1/jitter_ms/mean"), Some(&json!(1.25)));
        assert_eq!(report.pointer("/calls/0/legs/0/setup_ms"), Some(&json!(140.0)));
    }
}
