//! A capture of three minutes in which everything waits for something: datagrams whose fragments never come, connections that are
//! opened anew without having been closed, messages in pieces with gaps between them, calls that end while others go on.

use std::fmt::Write;

/// Milliseconds that it lasts, and with a frame of ARP each its records at least.
pub const LENGTH: u64 = 200_000;

/// SIP proxy, and the one that calls it.
const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];
const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// The bytes of the capture: pcap, µs, Ethernet.
pub fn awkward() -> Vec<u8> {
    let mut frames: Vec<(u64, Vec<u8>)> = (0..LENGTH).map(|ms| (ms * 1_000, arp())).collect();
    (0..LENGTH / 5_000).for_each(|n| connection(n, &mut frames));
    (0..LENGTH / 3_000).for_each(|n| fragments(n, &mut frames));
    (0..LENGTH / 700).for_each(|n| call(n, &mut frames));
    frames.sort_by_key(|(at, _)| *at);
    let mut out = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
    for (i, (at, frame)) in frames.iter().enumerate() {
        // Now and then a record was written late.
        let at = 1_767_225_600_000_000 + if i % 997 == 7 { at.saturating_sub(1_500) } else { *at };
        for field in [at / 1_000_000, at % 1_000_000, frame.len() as u64, frame.len() as u64] {
            out.extend((field as u32).to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], &kind.to_be_bytes()[..], payload].concat()
}

fn arp() -> Vec<u8> {
    ethernet(0x0806, &[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 9])
}

/// `fragment` is the field of flags and offset (RFC 791 section 3.1).
fn ip(from: [u8; 4], to: [u8; 4], protocol: u8, id: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + payload.len() as u16).to_be_bytes());
    header.extend(id.to_be_bytes());
    header.extend(fragment.to_be_bytes());
    header.extend([64, protocol, 0, 0]);
    ethernet(0x0800, &[&header, &from[..], &to, payload].concat())
}

fn udp(ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let fields = [ports[0], ports[1], 8 + payload.len() as u16, 0];
    [&fields.map(u16::to_be_bytes).concat(), payload].concat()
}

fn tcp(ports: [u16; 2], sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = ports.map(u16::to_be_bytes).concat();
    header.extend(sequence.to_be_bytes());
    header.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    [&header, payload].concat()
}

/// A message of dialog `id` with a body of at least `room` bytes.
fn sip(start: &str, id: &str, cseq: &str, transport: &str, body: &str) -> Vec<u8> {
    let mut text = format!("{start}\r\nVia: SIP/2.0/{transport} 10.0.0.1:5060;branch=z9hG4bK{id}{}\r\n", cseq.replace(' ', ""));
    write!(text, "From: <sip:a@10.0.0.1>;tag=a\r\nTo: <sip:b@10.0.0.2>{}\r\n", if start.starts_with("SIP") { ";tag=b" } else { "" })
        .unwrap();
    write!(text, "Call-ID: {id}\r\nCSeq: {cseq}\r\nContact: <sip:10.0.0.1:5060>\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    text.into_bytes()
}

/// The same 5-tuple every five seconds with another start; an INVITE in three segments, of which one is late or never comes.
fn connection(n: u64, frames: &mut Vec<(u64, Vec<u8>)>) {
    let (at, id) = (n * 5_000_000 + 777, format!("tcp{n}"));
    let start = 1_000 + n as u32 * 100_000;
    let invite = sip("INVITE sip:b@10.0.0.2 SIP/2.0", &id, "1 INVITE", "TCP", &"x".repeat(600));
    let mut up = |ms: u64, sequence: u32, flags: u8, bytes: &[u8]| {
        frames.push((at + ms * 1_000, ip(A, B, 6, 0, 0x4000, &tcp([40_000, 5060], sequence, flags, bytes))));
    };
    up(0, start, SYN, b"");
    for (i, piece) in invite.chunks(400).enumerate() {
        let (ms, sequence) = (10 + 10 * i as u64, start + 1 + 400 * i as u32);
        match (n % 4, i) {
            (1, 1) => up(ms + 500, sequence, ACK, piece),
            (2, 1) => {}
            _ => up(ms, sequence, ACK, piece),
        }
    }
    let after = start + 1 + invite.len() as u32;
    up(2_900, after, ACK, &sip("OPTIONS sip:b@10.0.0.2 SIP/2.0", &id, "2 OPTIONS", "TCP", ""));
    if n.is_multiple_of(3) {
        up(3_000, after + 2_000, FIN | ACK, b"");
    }
    let answer = sip("SIP/2.0 404 Not Found", &id, "1 INVITE", "TCP", "");
    frames.push((at + 700_000, ip(B, A, 6, 0, 0x4000, &tcp([5060, 40_000], 5_000 + n as u32 * 100_000, ACK, &answer))));
}

/// A datagram in two fragments, or its first alone; identifications come again after 36 s.
fn fragments(n: u64, frames: &mut Vec<(u64, Vec<u8>)>) {
    let at = n * 3_000_000 + 333;
    let message = sip("MESSAGE sip:b@10.0.0.2 SIP/2.0", &format!("cut{n}"), "1 MESSAGE", "UDP", &"y".repeat(1_500));
    let datagram = udp([5060, 5060], &message);
    let (front, rest) = datagram.split_at(1_480);
    frames.push((at, ip(A, B, 17, (n % 12) as u16, 0x2000, front)));
    if n % 5 != 2 {
        frames.push((at + 900_000, ip(A, B, 17, (n % 12) as u16, 185, rest)));
        return;
    }
    // Its own dialog goes on just before the identification comes again, and with that its front is read.
    let later = sip("MESSAGE sip:b@10.0.0.2 SIP/2.0", &format!("cut{n}"), "2 MESSAGE", "UDP", "");
    frames.push((at + 35_998_500, ip(A, B, 17, 0, 0x4000, &udp([5060, 5060], &later))));
}

/// A call of half a second with RTP both ways; every third is not hung up.
fn call(n: u64, frames: &mut Vec<(u64, Vec<u8>)>) {
    let (at, id, port) = (n * 700_000 + 111, format!("udp{n}"), 20_000 + (n % 40) as u16 * 2);
    let sdp = |ip: &str| format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n");
    let mut up = |ms: u64, from: [u8; 4], to: [u8; 4], ports: [u16; 2], bytes: &[u8]| {
        frames.push((at + ms * 1_000, ip(from, to, 17, 0, 0x4000, &udp(ports, bytes))));
    };
    up(0, A, B, [5060, 5060], &sip("INVITE sip:b@10.0.0.2 SIP/2.0", &id, "1 INVITE", "UDP", &sdp("10.0.0.1")));
    up(50, B, A, [5060, 5060], &sip("SIP/2.0 200 OK", &id, "1 INVITE", "UDP", &sdp("10.0.0.2")));
    up(60, A, B, [5060, 5060], &sip("ACK sip:b@10.0.0.2 SIP/2.0", &id, "1 ACK", "UDP", ""));
    for i in 0..20_u32 {
        let rtp = [&[0x80, 8][..], &(i as u16).to_be_bytes(), &(i * 160).to_be_bytes(), &(n as u32).to_be_bytes(), &[0xd5; 160]].concat();
        up(70 + 20 * u64::from(i), A, B, [port, port], &rtp);
        up(75 + 20 * u64::from(i), B, A, [port, port], &rtp);
    }
    if !n.is_multiple_of(3) {
        up(600, A, B, [5060, 5060], &sip("BYE sip:b@10.0.0.2 SIP/2.0", &id, "2 BYE", "UDP", ""));
        up(620, B, A, [5060, 5060], &sip("SIP/2.0 200 OK", &id, "2 BYE", "UDP", ""));
    }
}

#[test]
fn the_awkward_capture_spans_three_ticks() {
    const { assert!(LENGTH > 3 * 65_536) }
    let capture = awkward();
    assert!(capture.len() > 12_000_000 && capture == awkward());
}
