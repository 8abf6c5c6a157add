//! Captures of UDP packets made in memory: RTP, RTCP, STUN and what a relay wraps.

use std::net::SocketAddr;

/// One UDP packet: milliseconds, sender, receiver, payload.
pub type Sent = (u64, SocketAddr, SocketAddr, Vec<u8>);

/// A pcap of raw IPv4 packets in µs.
pub fn pcap(mut sent: Vec<Sent>) -> Vec<u8> {
    sent.sort_by_key(|(ms, ..)| *ms);
    let mut out = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0];
    for (ms, src, dst, payload) in &sent {
        let packet = ipv4(*src, *dst, payload);
        for field in [1_767_225_600 + ms / 1_000, ms % 1_000 * 1_000, packet.len() as u64, packet.len() as u64] {
            out.extend((field as u32).to_le_bytes());
        }
        out.extend(packet);
    }
    out
}

fn ipv4(src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let octets = |end: SocketAddr| match end {
        SocketAddr::V4(end) => end.ip().octets(),
        SocketAddr::V6(_) => panic!("an IPv4 address"),
    };
    let ports = [src.port(), dst.port(), 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
    let length = (28 + payload.len() as u16).to_be_bytes();
    [&[0x45, 0][..], &length, &[0, 0, 0, 0, 64, 17, 0, 0], &octets(src), &octets(dst), &ports, payload].concat()
}

/// An endpoint.
pub fn at(end: &str) -> SocketAddr {
    end.parse().unwrap()
}

/// The `n`th packet of a PCMA stream, 20 ms each.
pub fn rtp(ssrc: u32, n: u16) -> Vec<u8> {
    let timestamp = u32::from(n) * 160;
    [&[0x80, 8][..], &n.to_be_bytes(), &timestamp.to_be_bytes(), &ssrc.to_be_bytes(), &[n as u8; 160]].concat()
}

/// Words in network order.
pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A sender report whose NTP time has this middle word.
pub fn sender_report(ssrc: u32, middle: u32, packets: u32) -> Vec<u8> {
    words(&[0x80c8_0006, ssrc, middle >> 16, middle << 16, 0, packets, packets * 160])
}

/// A receiver report on `about`: fraction and cumulative loss in one word, jitter, last sender report, delay since.
pub fn receiver_report(ssrc: u32, about: u32, [loss, jitter, last, delay]: [u32; 4]) -> Vec<u8> {
    words(&[0x81c9_0007, ssrc, about, loss, 100, jitter, last, delay])
}

/// A STUN message with the transaction `id`.
pub fn stun(kind: u16, id: u8, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend([kind.to_be_bytes(), (value.len() as u16).to_be_bytes()].concat());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), &[0x21, 0x12, 0xa4, 0x42], &[id; 12], &body].concat()
}

/// The value of an XOR-…-ADDRESS attribute.
pub fn xored(end: &str) -> Vec<u8> {
    let SocketAddr::V4(end) = at(end) else { panic!("an IPv4 address") };
    let plain = [&end.port().to_be_bytes()[..], &end.ip().octets()].concat();
    [&[0, 1][..], &plain.iter().zip([0x21, 0x12, 0x21, 0x12, 0xa4, 0x42]).map(|(byte, key)| byte ^ key).collect::<Vec<u8>>()].concat()
}

/// Channel data.
pub fn channel(number: u16, data: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
}
