//! TLS whose keys come late: what is read is the same wherever they come.

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

/// What an engine tells of `packets`, one a window, when `keys` come with packet `at`.
fn told(packets: &[Vec<u8>], keys: &[u8], at: usize) -> (Vec<String>, Ledger) {
    let mut engine = Engine::default();
    let mut log = KeyLog::default();
    log.awaited = true;
    engine.know(log, |_| Vec::new());
    let mut facts = Vec::new();
    for (i, packet) in packets.iter().enumerate() {
        let mut window = window(std::slice::from_ref(packet), i);
        if i == at {
            window.secrets.push(Text::new(keys.to_vec()));
        }
        facts.extend(engine.apply(&window, &[], None));
    }
    if at == packets.len() {
        engine.learn(&[Text::new(keys.to_vec())]);
    }
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
        let at_once = told(&packets, keys, 0);
        assert_eq!(at_once.0.iter().filter(|told| told.starts_with(|c: char| c.is_ascii_digit())).count(), 9, "{n}");
        for at in 1..=packets.len() {
            let told = told(&packets, keys, at);
            assert!(told == at_once, "capture {n}, keys with packet {at}: {told:#?}\n{at_once:#?}");
        }
    }
}
