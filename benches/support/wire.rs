//! Writes records of a pcap: Ethernet, 802.1Q, IPv4, UDP and TCP connections, as a mirror port sees them.

use std::io::{self, Write};
use std::net::SocketAddrV4;

/// 2026-01-01T00:00:00Z in µs: when every generated capture begins.
pub const EPOCH: u64 = 1_767_225_600_000_000;
/// Octets of a TCP segment at most.
const SEGMENT: usize = 1_400;

/// TCP flags (RFC 9293 section 3.1).
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// A capture being written, and what is in it so far.
pub struct Capture<'a> {
    out: &'a mut dyn Write,
    vlan: Option<u16>,
    record: Vec<u8>,
    /// Records.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl<'a> Capture<'a> {
    /// Begins a little-endian pcap of Ethernet frames with times in µs.
    pub fn begin(out: &'a mut dyn Write, vlan: Option<u16>) -> io::Result<Self> {
        let words: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1];
        let header: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        out.write_all(&header)?;
        Ok(Self { out, vlan, record: Vec::with_capacity(2048), packets: 0, bytes: header.len() as u64 })
    }

    /// A UDP datagram at `at` µs.
    pub fn udp(&mut self, at: u64, src: SocketAddrV4, dst: SocketAddrV4, payload: &[u8]) -> io::Result<()> {
        let header = [src.port(), dst.port(), payload.len() as u16 + 8, 0];
        let header: Vec<u8> = header.iter().flat_map(|word| word.to_be_bytes()).collect();
        self.ip(at, (src, dst), 17, &header, payload)
    }

    fn tcp(&mut self, at: u64, ends: (SocketAddrV4, SocketAddrV4), flags: u8, numbers: [u32; 2], payload: &[u8]) -> io::Result<()> {
        let mut header = [0; 20];
        header[..2].copy_from_slice(&ends.0.port().to_be_bytes());
        header[2..4].copy_from_slice(&ends.1.port().to_be_bytes());
        header[4..8].copy_from_slice(&numbers[0].to_be_bytes());
        header[8..12].copy_from_slice(&numbers[1].to_be_bytes());
        header[12..16].copy_from_slice(&[0x50, flags, 0xff, 0xff]);
        self.ip(at, ends, 6, &header, payload)
    }

    fn ip(&mut self, at: u64, (src, dst): (SocketAddrV4, SocketAddrV4), protocol: u8, header: &[u8], payload: &[u8]) -> io::Result<()> {
        let tag = if self.vlan.is_some() { 4 } else { 0 };
        let ip_length = 20 + header.len() + payload.len();
        let record = &mut self.record;
        record.clear();
        for word in [(at / 1_000_000) as u32, (at % 1_000_000) as u32, (14 + tag + ip_length) as u32, (14 + tag + ip_length) as u32] {
            record.extend(word.to_le_bytes());
        }
        let outbound = src.ip() < dst.ip();
        for end in [outbound, !outbound] {
            record.extend([0x00, 0x00, 0x5e, 0x00, 0x53, if end { 2 } else { 1 }]); // RFC 7042 section 2.1.2
        }
        if let Some(vlan) = self.vlan {
            record.extend([0x81, 0x00]);
            record.extend((vlan & 0x0fff).to_be_bytes());
        }
        record.extend([0x08, 0x00, 0x45, 0x60]);
        record.extend((ip_length as u16).to_be_bytes());
        record.extend((self.packets as u16).to_be_bytes());
        record.extend([0x40, 0, 62, protocol, 0, 0]); // don't fragment, TTL 62; checksums are nobody's business behind offload
        record.extend(src.ip().octets());
        record.extend(dst.ip().octets());
        record.extend_from_slice(header);
        record.extend_from_slice(payload);
        self.out.write_all(record)?;
        self.packets += 1;
        self.bytes += record.len() as u64;
        Ok(())
    }
}

/// A TCP connection; its first end opened it.
pub struct Connection {
    ends: [SocketAddrV4; 2],
    next: [u32; 2],
}

impl Connection {
    /// A connection that has not begun.
    pub fn new(opener: SocketAddrV4, other: SocketAddrV4, number: u32) -> Self {
        Self { ends: [opener, other], next: [number, !number] }
    }

    fn numbers(&self, from: usize) -> [u32; 2] {
        [self.next[from], self.next[1 - from]]
    }

    fn way(&self, from: usize) -> (SocketAddrV4, SocketAddrV4) {
        (self.ends[from], self.ends[1 - from])
    }

    /// The first packet of the handshake alone.
    pub fn knock(&mut self, to: &mut Capture<'_>, at: u64) -> io::Result<()> {
        to.tcp(at, self.way(0), SYN, [self.next[0], 0], &[])
    }

    /// The three packets of the handshake, a millisecond apart.
    pub fn open(&mut self, to: &mut Capture<'_>, at: u64) -> io::Result<()> {
        self.knock(to, at)?;
        self.next[0] = self.next[0].wrapping_add(1);
        to.tcp(at + 1_000, self.way(1), SYN | ACK, self.numbers(1), &[])?;
        self.next[1] = self.next[1].wrapping_add(1);
        to.tcp(at + 2_000, self.way(0), ACK, self.numbers(0), &[])
    }

    /// What one end (0 opened the connection) says, in as many segments as that takes, and the other end's acknowledgement.
    pub fn say(&mut self, to: &mut Capture<'_>, at: u64, from: usize, bytes: &[u8]) -> io::Result<()> {
        let mut left = bytes;
        while !left.is_empty() {
            let (segment, rest) = left.split_at(left.len().min(SEGMENT));
            let flags = if rest.is_empty() { PSH | ACK } else { ACK };
            to.tcp(at, self.way(from), flags, self.numbers(from), segment)?;
            self.next[from] = self.next[from].wrapping_add(segment.len() as u32);
            left = rest;
        }
        to.tcp(at, self.way(1 - from), ACK, self.numbers(1 - from), &[])
    }

    /// `n` octets that one end says and nobody captures.
    pub fn lose(&mut self, from: usize, n: u32) {
        self.next[from] = self.next[from].wrapping_add(n);
    }
}
