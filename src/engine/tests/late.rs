//! TLS whose keys come late: what is read is the same wherever they come, and there is only so much room to wait in.

use super::*;
use crate::flow::keylog::KeyLog;
use crate::record::secrets::Text;

const CAPTURES: [(&[u8], &[u8]); 4] = [
    (include_bytes!("../../../captures/tls/tls12-aes128-gcm.pcap"), include_bytes!("../../../captures/tls/tls12-aes128-gcm.keys")),
    (include_bytes!("../../../captures/tls/tls12-resumed.pcap"), include_bytes!("../../../captures/tls/tls12-resumed.keys")),
    (include_bytes!("../../../captures/tls/tls13-aes128-gcm.pcap"), include_bytes!("../../../captures/tls/tls13-aes128-gcm.keys")),
    (include_bytes!("../../../captures/tls/tls13-key-update.pcap"), include_bytes!("../../../captures/tls/tls13-key-update.keys")),
];

/// The frames of a capture without their Ethernet headers; `copy`: the SBC's port is another by so much.
fn packets(pcap: &[u8], copy: u8) -> Vec<Vec<u8>> {
    let mut rest = &pcap[24..];
    let mut packets = Vec::new();
    while let Some((header, behind)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        let mut packet = behind[14..len].to_vec();
        let port = if packet[12] == 198 { 21 } else { 23 };
        packet[port] = packet[port].wrapping_add(copy);
        packets.push(packet);
        rest = &behind[len..];
    }
    packets
}

/// What an engine that may keep `late` bytes a shard tells of `packets`, one a window, when each of `keys` comes with a packet.
fn told(packets: &[Vec<u8>], keys: &[(usize, &[u8])], late: usize) -> (Vec<String>, Ledger) {
    let mut engine = Engine::default();
    engine.limit(Budget { late, ..Budget::default() });
    let mut log = KeyLog::default();
    log.awaited = true;
    engine.know(log, |_| Vec::new());
    let coming = |i| keys.iter().filter(|(at, _)| *at == i).map(|(_, text)| Text::new(text.to_vec())).collect::<Vec<_>>();
    let mut facts = Vec::new();
    for (i, packet) in packets.iter().enumerate() {
        let mut window = window(std::slice::from_ref(packet), i);
        window.secrets = coming(i);
        facts.extend(engine.apply(vec![Decoded::of(window, None)], &[]));
    }
    engine.learn(&coming(packets.len()));
    facts.extend(engine.sweep(&Wanted { all: true, ..Wanted::default() }).0);
    let mut told: Vec<String> = facts
        .into_iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Message(m) => Some(format!("{:03} {:?} {}", m.seq().0, m.sip().status(), String::from_utf8_lossy(m.sip().method_text()))),
            Fact::Connection { connection, closed: Some(_) } => Some(format!("{:?}", connection.tls)),
            _ => None,
        })
        .collect();
    told.sort();
    (told, engine.ledger())
}

#[test]
fn keys_that_come_with_any_packet_read_the_same() {
    for (n, (pcap, keys)) in CAPTURES.into_iter().enumerate() {
        let packets = packets(pcap, 0);
        let at_once = told(&packets, &[(0, keys)], 1 << 20);
        assert_eq!(at_once.0.iter().filter(|told| told.starts_with(|c: char| c.is_ascii_digit())).count(), 9, "{n}");
        for at in 1..=packets.len() {
            let told = told(&packets, &[(at, keys)], 1 << 20);
            assert!(told == at_once, "capture {n}, keys with packet {at}: {told:#?}\n{at_once:#?}");
        }
    }
}

#[test]
fn keys_of_others_do_not_end_the_wait() {
    for (n, (pcap, keys)) in CAPTURES.into_iter().enumerate() {
        let packets = packets(pcap, 0);
        let at_once = told(&packets, &[(0, keys)], 1 << 20);
        let (_, others) = CAPTURES[(n + 1) % CAPTURES.len()];
        for at in [6, 12, packets.len() - 1] {
            let told = told(&packets, &[(at, others), (packets.len(), keys)], 1 << 20);
            assert!(told == at_once, "capture {n}, others with packet {at}: {told:#?}\n{at_once:#?}");
        }
        // A log that grows line by line, as it does while a program writes it.
        let lines: Vec<&[u8]> = keys.split_inclusive(|byte| *byte == b'\n').collect();
        let last = packets.len() + 1 - lines.len();
        let coming: Vec<(usize, &[u8])> = lines.into_iter().enumerate().map(|(n, line)| (last + n, line)).collect();
        let told = told(&packets, &coming, 1 << 20);
        assert!(told == at_once, "capture {n}, line by line: {told:#?}\n{at_once:#?}");
    }
}

#[test]
fn what_waits_for_longest_goes_first_where_there_is_no_room() {
    let (pcap, keys) = CAPTURES[0];
    let first = packets(pcap, 0);
    let shard = |copy| {
        let flow = crate::decode::FlowKey::v4([198, 51, 100, 4], port(&packets(pcap, copy)[0]), [52, 114, 75, 24], 5061, 6).0;
        Shard::of(&flow)
    };
    let copy = (1..=255).find(|copy| shard(*copy) == shard(0)).unwrap();
    let n = first.len();
    let both = [first, packets(pcap, copy)].concat();
    let messages = |late| {
        let (told, ledger) = told(&both, &[(both.len(), keys)], late);
        let from =
            |range: std::ops::Range<usize>| told.iter().filter(|told| told[..3].parse().is_ok_and(|seq| range.contains(&seq))).count();
        assert_eq!(ledger.sum(), both.len() as u64);
        let lost: Vec<_> = ledger.undecoded_by_reason().iter().map(|(why, n)| (format!("{why:?}"), *n)).collect();
        (from(0..n), from(n..2 * n), lost)
    };
    assert_eq!(messages(1 << 20), (9, 9, vec![]));
    let (gone, kept, lost) = messages(6_000);
    assert_eq!((gone, kept), (0, 9));
    assert!(lost.len() == 1 && lost[0].0.contains("key came too late") && lost[0].1 > 5, "{lost:?}");
    assert_eq!((messages(10).0, messages(10).1), (0, 0));
}

fn port(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[20], packet[21]])
}
