//! STUN messages: frame, type and transaction.

use super::cases::{Case, Compared, apart, cases, known};
use super::datagrams::datagrams;
use super::tshark::Stun;
use callpath::proto::stun;
use std::collections::BTreeSet;
use std::path::Path;

/// Every datagram that is a STUN message or, on a flow that carried one, channel data of a relay.
fn read(path: &Path) -> Vec<Stun> {
    let mut flows = BTreeSet::new();
    datagrams(path, |frame, datagram| {
        let flow = datagram.flow.endpoints();
        if stun::probe_cut(datagram.payload, datagram.cut) {
            flows.insert(flow);
            return datagram.payload.first_chunk().map(|header| message(frame, header));
        }
        let data = stun::channel_data(datagram.payload, datagram.cut).filter(|_| flows.contains(&flow));
        data.map(|_| Stun { frame, kind: None, id: String::new() })
    })
}

/// A message as tshark gives it: type and transaction only where there is the cookie of RFC 5389.
fn message(frame: u64, header: &[u8; 20]) -> Stun {
    let classic = header[4..8] != [0x21, 0x12, 0xa4, 0x42];
    let kind = (!classic).then(|| u16::from_be_bytes([header[0], header[1]]));
    let id = if classic { String::new() } else { header[8..].iter().map(|byte| format!("{byte:02x}")).collect() };
    Stun { frame, kind, id }
}

/// Compares every capture.
pub fn compare(cases: &[Case]) -> Compared {
    let mut compared = Compared::default();
    for Case { capture, .. } in cases {
        let (ours, theirs) = (read(&capture.path), capture.stun());
        compared.subjects += usize::from(!ours.is_empty() || !theirs.is_empty());
        compared.things += theirs.len();
        let group = |message: &Stun| message.kind.map_or("no cookie".to_owned(), |kind| format!("{kind:#06x}"));
        compared.note("stun", capture, "", apart(&ours, &theirs, group));
    }
    compared
}

#[test]
fn stun_messages_are_those_that_tshark_reads() {
    let Some(cases) = cases() else { return };
    let compared = compare(cases);
    known().hold("stun", &compared.differences);
    assert!(compared.things >= 900, "only {} messages compared", compared.things);
}
