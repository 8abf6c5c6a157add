//! RTCP: who reports, and every report block.

use super::cases::{Case, Compared, apart, cases, known};
use super::datagrams::datagrams;
use super::tshark::Rtcp;
use callpath::proto::{rtcp, stun};
use std::path::Path;

/// Every RTCP datagram that was read to its end.
fn read(path: &Path) -> Vec<Rtcp> {
    datagrams(path, |frame, datagram| {
        let report = rtcp::read(datagram.payload).filter(|report| report.clear && datagram.cut == 0 && !stun::probe(datagram.payload))?;
        let block = |block: &rtcp::ReportBlock| {
            let [fraction, lost] = [i64::from(block.fraction), i64::from(block.lost)];
            let words = [block.highest, block.jitter, block.last_sr, block.delay_since_last_sr].map(i64::from);
            [&[i64::from(block.ssrc.0), fraction, lost][..], &words].concat()
        };
        Some(Rtcp { frame, sender: report.sender.0, blocks: report.blocks.iter().map(block).collect() })
    })
}

/// Compares every capture.
pub fn compare(cases: &[Case]) -> Compared {
    let mut compared = Compared::default();
    for Case { capture, .. } in cases {
        let (ours, theirs) = (read(&capture.path), capture.rtcp());
        compared.subjects += usize::from(!ours.is_empty() || !theirs.is_empty());
        compared.things += theirs.len();
        compared.note("rtcp", capture, "", apart(&ours, &theirs, |report| format!("{:#010x}", report.sender)));
    }
    compared
}

#[test]
fn rtcp_reports_are_those_that_tshark_reads() {
    let Some(cases) = cases() else { return };
    let compared = compare(cases);
    known().hold("rtcp", &compared.differences);
    assert!(compared.things >= 200, "only {} reports compared", compared.things);
}
