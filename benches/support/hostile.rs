//! Captures that an attacker would send: each strains one table as far as bytes go. None of it is a call.

use super::wire::{Capture, Connection, EPOCH};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Packets per second: whole captures lie within the time that flows are kept for.
const PER_SECOND: u64 = 200_000;
/// Octets that one end says at a time on the endless stream.
const PIECE: usize = 14_000;

/// What is strained.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attack {
    /// Flows whose addresses and ports XOR and add up to the same, two RTP packets each: for hashes that mix too little.
    Collide,
    /// A flow for every packet.
    OneOff,
    /// An INVITE with a Call-ID of its own in every packet, never answered.
    CallIds,
    /// One TCP connection whose first message announces 4 GB, with a hole that is never filled.
    Endless,
    /// The first packet of a handshake with the service, over and over from elsewhere.
    Syn,
}

/// Messages by method.
pub type Messages = BTreeMap<String, u64>;

/// Writes an attack until the capture has `bytes`. Gives the SIP messages in it.
pub fn write(attack: Attack, capture: &mut Capture<'_>, bytes: u64) -> io::Result<Messages> {
    let mut n = 0;
    let mut endless = Connection::new(end(0x0a00_0001, 40_000), end(0x0a00_0002, 5060), 1);
    while capture.bytes < bytes {
        let at = EPOCH + n * 1_000_000 / PER_SECOND;
        match attack {
            Attack::Collide => collide(capture, at, n)?,
            Attack::OneOff => capture.udp(at, spread(n, 0x0a00_0000), spread(n.wrapping_mul(31), 0x0b00_0000), &rtp(n as u32, 1))?,
            Attack::CallIds => capture.udp(at, spread(n, 0x0a00_0000), end(0x0b00_0001, 5060), invite(n).as_bytes())?,
            Attack::Endless => piece(&mut endless, capture, at, n)?,
            Attack::Syn => Connection::new(spread(n, 0x0a00_0000), end(0x3472_4b18, 5061), n as u32).knock(capture, at)?,
        }
        n += 1;
    }
    let invites = if attack == Attack::CallIds { n } else { 0 };
    Ok((invites > 0).then(|| ("INVITE".to_owned(), invites)).into_iter().collect())
}

fn end(ip: u32, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from(ip), port)
}

/// An end of its own for each `n` up to 2^38: 24 bits of address in `net`, then other ports.
fn spread(n: u64, net: u32) -> SocketAddrV4 {
    end(net | (n as u32 & 0x00ff_ffff), 1_024 + 2 * ((n >> 24) as u16 % 16_384))
}

/// Two packets of a flow: source XOR destination, the ports' sum and all low bits are those of every other flow.
fn collide(capture: &mut Capture<'_>, at: u64, n: u64) -> io::Result<()> {
    let host = (n as u32) << 8 & 0x00ff_ff00;
    let port = 2 * ((n >> 16) as u16 % 10_000);
    let (src, dst) = (end(0x0a00_0001 | host, 10_000 + port), end(0x0b00_0001 | host, 50_000 - port));
    capture.udp(at, src, dst, &rtp(1, 1))?;
    capture.udp(at, src, dst, &rtp(1, 2))
}

/// An RTP packet with 20 octets of payload.
fn rtp(ssrc: u32, sequence: u16) -> [u8; 32] {
    let mut packet = [0x55; 32];
    packet[..2].copy_from_slice(&[0x80, 0]);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
    packet
}

fn invite(n: u64) -> String {
    format!(
        "INVITE sip:+15550{:06}@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{n:016x}\r\n\
         From: <sip:{n}@example.com>;tag={n:x}\r\nTo: <sip:+15550{:06}@example.com>\r\nCall-ID: {n:016x}@storm\r\n\
         CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:{n}@10.0.0.1>\r\nContent-Length: 0\r\n\r\n",
        n % 1_000_000,
        n % 1_000_000,
    )
}

/// The beginning of a message, then octets without end; what is said third never comes.
fn piece(endless: &mut Connection, capture: &mut Capture<'_>, at: u64, n: u64) -> io::Result<()> {
    match n {
        0 => endless.open(capture, at),
        1 => endless.say(capture, at, 0, b"MESSAGE sip:a@example.com SIP/2.0\r\nCall-ID: endless\r\nContent-Length: 4294967295\r\n\r\n"),
        2 => {
            endless.lose(0, 1_000);
            Ok(())
        }
        _ => endless.say(capture, at, 0, &[b'x'; PIECE]),
    }
}
