//! Plain SIP on the loopback tap of a proxy: one address on all ends, told apart by port, whatever link type the tap writes.

#[path = "support/program.rs"]
mod program;

use program::callpath;
use serde_json::{Value, json};

/// Caller, proxy and answerer.
const PORTS: [u16; 3] = [5070, 5060, 5080];
const UDP: u8 = 17;
const TCP: u8 = 6;

/// What stands before IPv4 on `lo`, by link type: BSD's families, Ethernet between zeros, cooked in both versions.
const LINKS: [(u32, &[u8]); 5] = [
    (0, &[2, 0, 0, 0]),
    (108, &[0, 0, 0, 2]),
    (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]),
    (113, &[0, 0, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]),
    (276, &[8, 0, 0, 0, 0, 0, 0, 1, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]),
];

/// A call through the proxy as (from, to, message): each hop has a Via of its own, and one Call-ID.
fn call(transport: &str) -> Vec<(u16, u16, String)> {
    let [caller, proxy, answerer] = PORTS;
    let text = |start: &str, cseq: &str, vias: &[u16]| {
        let vias: String =
            vias.iter().map(|port| format!("Via: SIP/2.0/{transport} 127.0.0.1:{port};branch=z9hG4bK{port}{cseq}\r\n")).collect();
        let tag = if start.starts_with("INVITE") { "" } else { ";tag=b" };
        format!(
            "{start}\r\n{vias}From: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:b@127.0.0.1>{tag}\r\nCall-ID: lo\r\nCSeq: {} {cseq}\r\nContent-Length: 0\r\n\r\n",
            if cseq == "BYE" { 2 } else { 1 },
        )
    };
    let mut messages = Vec::new();
    for (start, cseq, is_request) in [
        ("INVITE sip:b@127.0.0.1 SIP/2.0", "INVITE", true),
        ("SIP/2.0 200 OK", "INVITE", false),
        ("ACK sip:b@127.0.0.1 SIP/2.0", "ACK", true),
        ("BYE sip:b@127.0.0.1 SIP/2.0", "BYE", true),
        ("SIP/2.0 200 OK", "BYE", false),
    ] {
        match is_request {
            true => {
                messages.push((caller, proxy, text(start, cseq, &[caller])));
                messages.push((proxy, answerer, text(start, cseq, &[proxy, caller])));
            }
            false => {
                messages.push((answerer, proxy, text(start, cseq, &[proxy, caller])));
                messages.push((proxy, caller, text(start, cseq, &[caller])));
            }
        }
    }
    messages
}

/// The call as a tap of this link type writes it.
fn capture(link: u32, front: &[u8], protocol: u8) -> Vec<u8> {
    let words = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65_535, link];
    let mut file: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut sent: std::collections::BTreeMap<(u16, u16), u32> = std::collections::BTreeMap::new();
    for (n, (src, dst, text)) in (0u32..).zip(call(if protocol == TCP { "TCP" } else { "UDP" })) {
        let ports = [src.to_be_bytes(), dst.to_be_bytes()].concat();
        let sequence = sent.entry((src, dst)).or_insert(1);
        let transport = match protocol {
            TCP => [&sequence.to_be_bytes()[..], &[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]].concat(),
            _ => [&(8 + text.len() as u16).to_be_bytes()[..], &[0, 0]].concat(),
        };
        *sequence += text.len() as u32;
        let body = [&ports[..], &transport, text.as_bytes()].concat();
        let [l0, l1] = (20 + body.len() as u16).to_be_bytes();
        let ip = [0x45, 0, l0, l1, 0, n as u8, 0x40, 0, 64, protocol, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
        let frame = [front, &ip, &body].concat();
        let head = [1_700_000_000, n * 1_000, frame.len() as u32, frame.len() as u32];
        file.extend(head.iter().flat_map(|word| word.to_le_bytes()));
        file.extend(frame);
    }
    file
}

#[test]
fn both_sides_of_a_proxy_on_one_address_are_read_on_every_link_type() {
    for (link, front) in LINKS {
        for (protocol, transport) in [(UDP, "udp"), (TCP, "tcp")] {
            let what = format!("link type {link}, {transport}");
            let ran = callpath(&["analyze", "--format", "json", "--fail-on", "never", "-"], &capture(link, front, protocol));
            let report: Value = serde_json::from_slice(&ran.out).unwrap();
            assert_eq!((&report["ledger"]["undecoded"], &report["ledger"]["kinds"]["sip"]), (&json!({}), &json!(10)), "{what}");
            let calls = report["calls"].as_array().unwrap();
            assert_eq!(calls.iter().map(|call| &call["outcome"]).collect::<Vec<_>>(), ["answered"], "{what}");
            for leg in calls.iter().flat_map(|call| call["legs"].as_array().unwrap()) {
                assert_eq!(leg["transport"], transport, "{what}");
                let ends = [leg["a"].as_str().unwrap(), leg["b"].as_str().unwrap()];
                let known = PORTS.map(|port| format!("127.0.0.1:{port}"));
                assert!(ends[0] != ends[1] && ends.iter().all(|end| known.iter().any(|known| known == end)), "{what}: {ends:?}");
            }
        }
    }
}
