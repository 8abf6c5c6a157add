//! The ladder of a call: its messages and streams in order of time.

use crate::call::{BoundStream, Call, LegMessage};
use crate::finding::Finding;
use crate::proto::sip::lossy;
use crate::record::{RecordId, Seq};
use crate::report::LadderRow;

/// Rows of a call's ladder.
pub fn rows(call: &Call, findings: &[Finding]) -> Vec<LadderRow> {
    let messages = call.legs.iter().flat_map(|leg| &leg.messages).map(|m| (m.message.seq(), message(m, findings)));
    let streams = call.streams.iter().filter_map(|bound| stream(bound, findings));
    let mut rows: Vec<(Seq, LadderRow)> = messages.chain(streams).collect();
    rows.sort_by_key(|(seq, _)| *seq);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn message(message: &LegMessage, findings: &[Finding]) -> LadderRow {
    let (sip, m) = (message.sip(), &message.message);
    let label = match (sip.is_request(), sip.status()) {
        (true, _) => lossy(sip.method_text()).into_owned(),
        (false, Some(status)) => format!("{status} {}", sip.reason()).trim_end().to_owned(),
        (false, None) => lossy(sip.start_line()).into_owned(),
    };
    let sdp = if sip.sdp().is_some() { " (SDP)" } else { "" };
    LadderRow {
        at: m.at(),
        record: m.sighting.id,
        from: m.src().to_string(),
        to: m.dst().to_string(),
        label: format!("{label}{sdp}"),
        retransmission: message.retransmission,
        findings: of_record(findings, m.sighting.id),
    }
}

fn stream(bound: &BoundStream, findings: &[Finding]) -> Option<(Seq, LadderRow)> {
    let (first, (src, dst)) = (bound.stream.first()?, bound.stream.flow.from_to(bound.stream.dir));
    let codec = bound.codec.clone().unwrap_or_else(|| format!("type {}", bound.stream.main_payload_type().unwrap_or_default()).into());
    let lost = match bound.stream.lost() {
        0 => String::new(),
        lost => format!(", {lost} lost"),
    };
    let row = LadderRow {
        at: first.at,
        record: first.id,
        from: src.to_string(),
        to: dst.to_string(),
        label: format!("RTP {codec} {} packets{lost}", bound.stream.packets()),
        retransmission: false,
        findings: of_record(findings, first.id),
    };
    Some((first.seq, row))
}

/// Ids of the findings that name a record, each once.
fn of_record(findings: &[Finding], record: RecordId) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.violation.evidence.iter().any(|e| e.id == record)) {
        if !ids.contains(&finding.id) {
            ids.push(finding.id.clone());
        }
    }
    ids
}
