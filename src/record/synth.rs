//! Tiny writers of pcap and pcapng for tests, in either byte order.

use super::bytes::Order;

/// A record to write: time in ns, wire length, bytes.
pub type Item<'a> = (i64, u32, &'a [u8]);

fn u16(order: Order, value: u16) -> [u8; 2] {
    if order == Order::Big { value.to_be_bytes() } else { value.to_le_bytes() }
}

fn u32(order: Order, value: u32) -> [u8; 4] {
    if order == Order::Big { value.to_be_bytes() } else { value.to_le_bytes() }
}

/// A pcap file with this magic and network field; times are cut to its unit.
pub fn pcap(order: Order, magic: u32, network: u32, records: &[Item<'_>]) -> Vec<u8> {
    let mut out = [u32(order, magic), u32(order, 0x0004_0002), [0; 4], [0; 4], u32(order, 64), u32(order, network)].concat();
    if order == Order::Big {
        out[4..8].copy_from_slice(&[0, 2, 0, 4]);
    }
    let unit = if magic == 0xa1b2_3c4d { 1 } else { 1_000 };
    for (at, wire_len, bytes) in records {
        let (seconds, rest) = (at / 1_000_000_000, at % 1_000_000_000 / unit);
        for field in [seconds as u32, rest as u32, bytes.len() as u32, *wire_len] {
            out.extend(u32(order, field));
        }
        if magic == 0xa1b2_cd34 {
            out.extend([9; 8]);
        }
        out.extend(*bytes);
    }
    out
}

/// A plain µs pcap of Ethernet with one-byte records at these times in µs; the byte is the index.
pub fn simple(times: &[i64]) -> Vec<u8> {
    let bytes: Vec<[u8; 1]> = (0..times.len()).map(|i| [i as u8]).collect();
    let records: Vec<Item<'_>> = times.iter().zip(&bytes).map(|(us, b)| (us * 1_000, 1, &b[..])).collect();
    pcap(Order::Little, 0xa1b2_c3d4, 1, &records)
}

/// Writes pcapng blocks one after another.
pub struct Ng {
    /// Byte order of the section being written.
    pub order: Order,
    /// The file so far.
    pub out: Vec<u8>,
}

impl Ng {
    pub fn new(order: Order) -> Self {
        let mut ng = Self { order, out: Vec::new() };
        ng.section(order);
        ng
    }

    pub fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let len = u32(self.order, padded as u32 + 12);
        self.out.extend(u32(self.order, kind));
        self.out.extend(len);
        self.out.extend(body);
        self.out.resize(self.out.len() + padded - body.len(), 0);
        self.out.extend(len);
    }

    pub fn section(&mut self, order: Order) {
        self.order = order;
        let body = [&u32(order, 0x1a2b_3c4d)[..], &u16(order, 1), &u16(order, 0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body);
    }

    pub fn options(&self, options: &[(u16, &[u8])], end: bool) -> Vec<u8> {
        let mut out = Vec::new();
        for (code, value) in options {
            out.extend(u16(self.order, *code));
            out.extend(u16(self.order, value.len() as u16));
            out.extend(*value);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        if end {
            out.extend([0; 4]);
        }
        out
    }

    pub fn interface(&mut self, link: u16, snaplen: u32, options: &[(u16, &[u8])], end: bool) {
        let options = self.options(options, end);
        let body = [&u16(self.order, link)[..], &[0, 0], &u32(self.order, snaplen), &options].concat();
        self.block(1, &body);
    }

    pub fn statistics(&mut self, interface: u32, ifdrop: u64) {
        let drops = if self.order == Order::Big { ifdrop.to_be_bytes() } else { ifdrop.to_le_bytes() };
        let options = self.options(&[(4, &[1; 8]), (5, &drops)], false);
        let body = [&u32(self.order, interface)[..], &[0; 8], &options].concat();
        self.block(5, &body);
    }

    fn packet_body(&self, first: [u8; 4], ticks: u64, wire_len: u32, bytes: &[u8]) -> Vec<u8> {
        let fields = [(ticks >> 32) as u32, ticks as u32, bytes.len() as u32, wire_len].map(|field| u32(self.order, field)).concat();
        let mut body = [&first[..], &fields, bytes].concat();
        body.resize(body.len().next_multiple_of(4), 0);
        body
    }

    pub fn enhanced(&mut self, interface: u32, ticks: u64, wire_len: u32, bytes: &[u8]) {
        let mut body = self.packet_body(u32(self.order, interface), ticks, wire_len, bytes);
        body.extend(self.options(&[(1, b"a comment")], false));
        self.block(6, &body);
    }

    pub fn obsolete(&mut self, interface: u16, ticks: u64, wire_len: u32, bytes: &[u8]) {
        let [a, b] = u16(self.order, interface);
        let body = self.packet_body([a, b, 0xff, 0xff], ticks, wire_len, bytes);
        self.block(2, &body);
    }

    pub fn simple(&mut self, wire_len: u32, bytes: &[u8]) {
        let body = [&u32(self.order, wire_len)[..], bytes].concat();
        self.block(3, &body);
    }
}
