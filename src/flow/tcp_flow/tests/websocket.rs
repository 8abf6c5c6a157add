//! SIP over WebSocket: frames at every step, joined in the middle, after gaps, that lie, that are compressed.

use super::*;
use crate::flow::Transport;

/// A frame of RFC 6455 section 5.2.
fn frame(first: u8, payload: &[u8], mask: bool) -> Vec<u8> {
    let mut bytes = vec![first];
    let bit = if mask { 0x80 } else { 0 };
    match payload.len() {
        n @ 0..126 => bytes.push(n as u8 | bit),
        n @ 126..65_536 => {
            bytes.push(126 | bit);
            bytes.extend((n as u16).to_be_bytes());
        }
        n => {
            bytes.push(127 | bit);
            bytes.extend((n as u64).to_be_bytes());
        }
    }
    let key = if mask { [0x12, 0x34, 0x56, 0x78] } else { [0; 4] };
    bytes.extend(if mask { &key[..] } else { &[] });
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

#[test]
fn websocket_is_read_at_every_step_from_its_handshake_on() {
    let large = [b"MESSAGE sip:a@b SIP/2.0\r\nl: 70000\r\n\r\n", &[b'z'; 70_000][..]].concat();
    let stream = [
        UPGRADE,
        &frame(0x81, INVITE, true),
        &frame(0x89, b"ping", true),
        &frame(0x01, &BYE[..20], true),
        &frame(0x8A, b"", true),
        &frame(0x00, &BYE[20..40], true),
        &frame(0x80, &BYE[40..], true),
        &frame(0x82, b"\r\n\r\n", true),
        &frame(0x82, &large, true),
        &frame(0x88, b"\x03\xe8", true),
    ]
    .concat();
    for step in [1, 13, 300, 1_400, 100_000] {
        let mut segments = vec![syn(ISN)];
        segments.extend(pieces(&stream, step));
        let mut run = Run::default();
        // 70 000 segments are more than a message may have.
        let (told, evicted) = if step == 1 { ("INVITE BYE", 1) } else { ("INVITE BYE MESSAGE", 0) };
        assert_eq!(run.all(&segments), told, "in steps of {step}");
        assert!(run.read.iter().all(|m| m.course().transport == Transport::Ws));
        assert_eq!((run.read[0].text.bytes(), run.read[1].text.bytes(), run.ledger.evicted), (INVITE, BYE, evicted));
        if step == 100_000 {
            assert_eq!((run.ledger.of(Kind::Sip), run.ledger.of(Kind::Tcp)), (1, 1), "all but the SYN is SIP");
        }
    }
}

#[test]
fn websocket_joined_in_the_middle_or_after_a_gap_is_found_at_a_frame() {
    let (a, b) = (frame(0x81, INVITE, true), frame(0x81, BYE, true));
    assert_eq!(read(&[segment(0, &a[10..]), segment(a.len() - 10, &b)]), "BYE");
    let answers = frame(0x82, b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n", false);
    assert_eq!(read(&[segment(0, &[answers.clone(), answers.clone()].concat())]), "200 200");
    let stream = [UPGRADE, &a, &a].concat();
    let cut = UPGRADE.len() + 40;
    let told = read(&[
        syn(ISN),
        segment(0, &stream[..cut]),
        segment(stream.len() - 20, &stream[stream.len() - 20..]),
        segment(stream.len(), &b),
        segment(stream.len() + b.len(), &b).at(2_500),
    ]);
    assert_eq!(told, "INVITE! BYE BYE");
}

#[test]
fn websocket_that_lies_is_given_up_and_found_again() {
    let lie = [0x81, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
    let b = frame(0x81, BYE, true);
    let n = UPGRADE.len();
    let mut run = Run::default();
    let told = run.all(&[syn(ISN), segment(0, UPGRADE), segment(n, &lie), segment(n + 14, b"more of it"), segment(n + 24, &b)]);
    assert_eq!((told.as_str(), run.ledger.evicted), ("BYE", 1));
}

#[test]
fn compressed_websocket_messages_are_named_and_not_read() {
    let b = frame(0x81, BYE, true);
    let n = UPGRADE.len();
    let mut run = Run::default();
    let squeezed = frame(0xC1, b"\xf2\x48\xcd", true);
    assert_eq!(run.all(&[syn(ISN), segment(0, UPGRADE), segment(n, &squeezed), segment(n + squeezed.len(), &b)]), "BYE");
    assert_eq!(run.ledger.undecoded_by_reason()["websocket: compressed"], 1);
}

#[test]
fn state_that_is_saved_goes_on_as_if_nothing_had_been() {
    let stream = [UPGRADE, &frame(0x81, INVITE, true), &frame(0x01, &BYE[..20], true), &frame(0x80, &BYE[20..], true)].concat();
    let mut segments = vec![syn(ISN)];
    segments.extend(pieces(&stream, 11));
    for stop in 0..segments.len() {
        let mut run = Run::default();
        let before = run.all(&segments[..stop]);
        run.flow = postcard::from_bytes(&postcard::to_stdvec(&run.flow).unwrap()).unwrap();
        let told = [before, run.all(&segments[stop..])].join(" ");
        assert_eq!(told.trim(), "INVITE BYE", "stopped at {stop}");
    }
}

#[test]
fn message_whose_last_fragment_never_came_is_read_as_cut() {
    let mut run = Run::default();
    run.all(&[syn(ISN), segment(0, &[UPGRADE, &frame(0x01, &INVITE[..40], true)].concat())]);
    assert_eq!(run.end(), "INVITE!");
}
