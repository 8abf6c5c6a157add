//! Capture files made from a ladder: every frame in order of time, and which line each record came from.

use super::dialog::hash;
use super::facts::Facts;
use super::frame::{Segment, frame};
use super::ladder::{Ladder, Line, Rtp, Sighting, Transport, What};
use super::message::Writer;
use super::sdp::codec;
use super::stun::{self, Asked};
use super::tls::Session;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A capture file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// What parts it from the ladder's other files: `file=`, or the rotated file's name; empty when it is the only one.
    pub name: String,
    /// pcapng rather than pcap.
    pub pcapng: bool,
    /// The file.
    pub bytes: Vec<u8>,
    /// Line number, from 1, of each record, in order; every frame that a line causes (handshake, ACK, copies) is that line's.
    pub line_of_record: Vec<usize>,
}

/// The capture of a ladder that makes one file. Fails on a line that cannot be written, or when there are several files.
pub fn capture(ladder: &Ladder) -> Result<Capture, String> {
    match captures(ladder)?.as_slice() {
        [one] => Ok(one.clone()),
        several => Err(format!("the ladder makes {} files", several.len())),
    }
}

/// The captures of a ladder, in order of name.
pub fn captures(ladder: &Ladder) -> Result<Vec<Capture>, String> {
    let (mut frames, keys) = Wire::new(ladder).run()?;
    frames.sort_by_key(|frame| frame.at);
    let first = frames.first().map_or(0, |frame| frame.at);
    let mut files: BTreeMap<String, Vec<Frame>> = BTreeMap::new();
    for frame in frames {
        let file = frame.facts.file.clone().unwrap_or_default();
        let name = match &ladder.rotate {
            Some((name, every)) => format!("{name}-{:02}", (frame.at - first) / every),
            None => file,
        };
        files.entry(name).or_default().push(frame);
    }
    Ok(files.into_iter().map(|(name, frames)| file(ladder, name, &frames, &keys)).collect())
}

/// One frame to be captured.
struct Frame {
    at: i64,
    line: usize,
    bytes: Vec<u8>,
    facts: Facts,
}

fn file(ladder: &Ladder, name: String, frames: &[Frame], keys: &str) -> Capture {
    let ahead = ladder.clocks.get(&name).copied().unwrap_or(0);
    let pcapng = !keys.is_empty() || frames.iter().any(|frame| frame.facts.interface.is_some());
    let records: Vec<Record<'_>> = frames.iter().map(|frame| Record::new(frame, ladder.start + ahead)).collect();
    let bytes = if pcapng { write_pcapng(&records, keys) } else { write_pcap(&records) };
    Capture { name, pcapng, bytes, line_of_record: frames.iter().map(|frame| frame.line).collect() }
}

struct Record<'f> {
    micros: i64,
    interface: &'f str,
    wire_len: usize,
    bytes: &'f [u8],
}

impl<'f> Record<'f> {
    fn new(frame: &'f Frame, start: i64) -> Self {
        let kept = frame.facts.cut.unwrap_or(usize::MAX).min(frame.bytes.len());
        Self {
            micros: (start + frame.at) / 1000,
            interface: frame.facts.interface.as_deref().unwrap_or(""),
            wire_len: frame.bytes.len(),
            bytes: &frame.bytes[..kept],
        }
    }
}

fn u32le(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("a ladder's capture is small").to_le_bytes()
}

const SNAPLEN: usize = 262_144;

fn write_pcap(records: &[Record<'_>]) -> Vec<u8> {
    let mut out = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    out.extend(u32le(SNAPLEN));
    out.extend(u32le(1));
    for record in records {
        let seconds = u32::try_from(record.micros.div_euclid(1_000_000)).expect("a year before 2106");
        out.extend(seconds.to_le_bytes());
        out.extend(u32::try_from(record.micros.rem_euclid(1_000_000)).unwrap_or(0).to_le_bytes());
        out.extend(u32le(record.bytes.len()));
        out.extend(u32le(record.wire_len));
        out.extend(record.bytes);
    }
    out
}

fn write_pcapng(records: &[Record<'_>], keys: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    block(&mut out, 0x0a0d_0d0a, &section);
    let mut interfaces: Vec<&str> = Vec::new();
    for record in records {
        if !interfaces.contains(&record.interface) {
            interfaces.push(record.interface);
        }
    }
    for name in &interfaces {
        let mut body = vec![1, 0, 0, 0];
        body.extend(u32le(SNAPLEN));
        if !name.is_empty() {
            body.extend([2, 0]);
            body.extend(&u32le(name.len())[..2]);
            body.extend(padded(name.as_bytes()));
            body.extend([0; 4]);
        }
        block(&mut out, 1, &body);
    }
    if !keys.is_empty() {
        // Decryption Secrets Block with a TLS key log.
        let body = [&0x544c_534b_u32.to_le_bytes()[..], &u32le(keys.len()), &padded(keys.as_bytes())].concat();
        block(&mut out, 10, &body);
    }
    for record in records {
        let interface = interfaces.iter().position(|name| *name == record.interface).unwrap_or(0);
        let micros = record.micros.cast_unsigned();
        let mut body = u32le(interface).to_vec();
        body.extend(((micros >> 32) as u32).to_le_bytes());
        body.extend((micros as u32).to_le_bytes());
        body.extend(u32le(record.bytes.len()));
        body.extend(u32le(record.wire_len));
        body.extend(padded(record.bytes));
        block(&mut out, 6, &body);
    }
    out
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    out.extend(kind.to_le_bytes());
    out.extend(u32le(body.len() + 12));
    out.extend(body);
    out.extend(u32le(body.len() + 12));
}

/// One TCP connection: the next sequence number of each end.
#[derive(Default)]
struct Connection {
    next: BTreeMap<SocketAddr, u32>,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// A round trip between the ends; a handshake stands this much before the message that needs it.
const ROUND_TRIP: i64 = 20_000_000;
const DUPLICATE_GAP: i64 = 200_000;

/// Turns lines into frames.
struct Wire<'l> {
    ladder: &'l Ladder,
    connections: BTreeMap<(SocketAddr, SocketAddr), Connection>,
    said: BTreeMap<(String, String), Vec<u8>>,
    sessions: BTreeMap<(SocketAddr, SocketAddr), Session>,
    asked: BTreeMap<(SocketAddr, SocketAddr), Asked>,
    ids: BTreeMap<SocketAddr, u16>,
    frames: Vec<Frame>,
}

impl<'l> Wire<'l> {
    fn new(ladder: &'l Ladder) -> Self {
        Self {
            ladder,
            connections: BTreeMap::new(),
            said: BTreeMap::new(),
            sessions: BTreeMap::new(),
            asked: BTreeMap::new(),
            ids: BTreeMap::new(),
            frames: Vec::new(),
        }
    }

    /// The frames, and the key log where the ladder says that there is one.
    fn run(mut self) -> Result<(Vec<Frame>, String), String> {
        let mut writer = Writer::new(self.ladder);
        for (index, line) in self.ladder.lines.iter().enumerate() {
            let way = (line.from.name.clone(), line.to.name.clone());
            match &line.what {
                What::Sip(sip) => {
                    let message = writer.write(index, sip).map_err(|e| format!("line {}: {e}", index + 1))?.into_bytes();
                    self.said.insert(way, message.clone());
                    self.message(index, line, message);
                }
                What::Again => {
                    let message = self.said.get(&way).cloned().ok_or_else(|| format!("line {}: nothing to send again", index + 1))?;
                    self.message(index, line, message);
                }
                What::Tls(tls) => {
                    let seed = format!("{:?}", connection(line));
                    let session = self.sessions.entry(connection(line)).or_default();
                    let bytes = session.write(&line.from.name, tls, &seed).map_err(|e| format!("line {}: {e}", index + 1))?;
                    self.send_message(index, line, bytes);
                }
                What::Segment(flags) => self.segment(index, line, *flags),
                What::Stun(stun) => {
                    let asked = self.asked.get(&(line.to.at, line.from.at)).copied();
                    let (bytes, asks) = stun.write(&index.to_string(), asked).map_err(|e| format!("line {}: {e}", index + 1))?;
                    self.asked.extend(asks.map(|asked| ((line.from.at, line.to.at), asked)));
                    self.send(index, line, line.at, Segment::Udp(bytes), &line.sighting);
                }
                What::Dns(dns) => self.send(index, line, line.at, Segment::Udp(dns.write()), &line.sighting),
                What::Bgp(bgp) => self.send_message(index, line, bgp.write(line.from.at.ip())),
                What::Rtp(rtp) => self.rtp(index, line, rtp)?,
            }
        }
        let keys = self.sessions.values().filter(|_| self.ladder.keys).filter_map(Session::key_log).collect();
        Ok((self.frames, keys))
    }

    fn message(&mut self, index: usize, line: &Line, message: Vec<u8>) {
        let session = self.sessions.get_mut(&connection(line)).filter(|_| line.transport != Transport::Udp);
        let bytes = match session {
            Some(session) => session.carry(&line.from.name, message),
            None => message,
        };
        self.send_message(index, line, bytes);
    }

    fn send_message(&mut self, index: usize, line: &Line, message: Vec<u8>) {
        if line.transport == Transport::Udp {
            self.send(index, line, line.at, Segment::Udp(message), &line.sighting);
            return;
        }
        let back = reversed(line);
        if !self.connections.contains_key(&connection(line)) {
            self.handshake(index, line, &back);
        }
        let facts = line.sighting.facts.over(&self.ladder.way(&line.from.name, &line.to.name).facts);
        let (size, is_acked) = (facts.mss.unwrap_or(1460), facts.ack.unwrap_or(true));
        let mut at = line.at;
        for piece in message.chunks(size) {
            let segment = self.tcp(line, PSH | ACK, piece.to_vec());
            self.send(index, line, at, segment, &line.sighting);
            if is_acked {
                let answer = self.tcp(&back, ACK, Vec::new());
                self.send(index, &back, at + ROUND_TRIP / 2, answer, &Sighting::default());
            }
            at += 100_000;
        }
    }

    fn handshake(&mut self, index: usize, line: &Line, back: &Line) {
        let steps = [(line, SYN, ROUND_TRIP + 1_000_000), (back, SYN | ACK, 1_000_000), (line, ACK, 900_000)];
        for (line, flags, before) in steps {
            let segment = self.tcp(line, flags, Vec::new());
            self.send(index, line, line.at - before, segment, &Sighting::default());
        }
    }

    fn segment(&mut self, index: usize, line: &Line, flags: u8) {
        // A SYN or SYN/ACK said once more repeats its number.
        let again = flags & SYN != 0 && self.connections.get(&connection(line)).is_some_and(|c| c.next.contains_key(&line.from.at));
        if again {
            self.connections.entry(connection(line)).or_default().next.remove(&line.from.at);
        }
        let segment = self.tcp(line, flags, Vec::new());
        self.send(index, line, line.at, segment, &line.sighting);
    }

    /// The connection's next segment from the line's sender.
    fn tcp(&mut self, line: &Line, flags: u8, payload: Vec<u8>) -> Segment {
        let connection = self.connections.entry(connection(line)).or_default();
        let first = |at: SocketAddr| (hash(&["isn", &at.to_string()]) >> 32) as u32;
        let ack = if flags & ACK == 0 { 0 } else { connection.next.get(&line.to.at).copied().unwrap_or_else(|| first(line.to.at)) };
        let next = connection.next.entry(line.from.at).or_insert_with(|| first(line.from.at));
        let seq = *next;
        let taken = payload.len() + usize::from(flags & (SYN | FIN) != 0);
        *next = next.wrapping_add(taken as u32);
        Segment::Tcp { flags, seq, ack, payload }
    }

    fn rtp(&mut self, index: usize, line: &Line, rtp: &Rtp) -> Result<(), String> {
        let codec = codec(&rtp.codec)?;
        let ssrc = rtp.ssrc.unwrap_or_else(|| (hash(&["ssrc", &line.from.at.to_string(), &line.to.at.to_string()]) >> 32) as u32);
        let step = (rtp.every / 1_000_000) as u32;
        let bytes = codec.tenth_bytes * step as usize / 10 + if rtp.secured { 10 } else { 0 };
        for n in 0..rtp.count {
            if rtp.lost.contains(&(n + 1)) {
                continue;
            }
            let marker = if n == 0 { 0x80 } else { 0 };
            let mut packet = vec![0x80, marker | codec.payload_type];
            packet.extend(rtp.seq.wrapping_add(n as u16).to_be_bytes());
            packet.extend((160_000 + n * step * codec.clock_khz).to_be_bytes());
            packet.extend(ssrc.to_be_bytes());
            packet.extend(noise(u64::from(ssrc) << 32 | u64::from(n), bytes));
            if let Some(channel) = rtp.channel {
                packet = stun::channel_data(channel, &packet);
            }
            self.send_nth(n + 1, index, line, line.at + i64::from(n) * rtp.every, Segment::Udp(packet), &line.sighting);
        }
        Ok(())
    }

    fn send(&mut self, index: usize, line: &Line, at: i64, segment: Segment, sighting: &Sighting) {
        self.send_nth(0, index, line, at, segment, sighting);
    }

    /// Captures one packet, the `nth` of a run: each copy of it that does not miss it, each as often as its facts say.
    fn send_nth(&mut self, nth: u32, index: usize, line: &Line, at: i64, segment: Segment, sighting: &Sighting) {
        let way = self.ladder.way(&line.from.name, &line.to.name);
        let facts = sighting.facts.over(&way.facts);
        let copies = if sighting.copies.is_empty() { &way.copies } else { &sighting.copies };
        let id = self.ids.entry(line.from.at).or_insert(0);
        *id = id.wrapping_add(1);
        let all = std::iter::once(facts.clone()).chain(copies.iter().map(|copy| copy.over(&facts)));
        for facts in all.filter(|facts| !facts.missing.contains(&nth) && facts.seen != Some(false)) {
            let bytes = frame(line.from.at, line.to.at, *id, &segment, &facts);
            for n in 0..i64::from(facts.dup.unwrap_or(1)) {
                let at = at + facts.after.unwrap_or(0) + n * DUPLICATE_GAP;
                self.frames.push(Frame { at, line: index + 1, bytes: bytes.clone(), facts: facts.clone() });
            }
        }
    }
}

fn connection(line: &Line) -> (SocketAddr, SocketAddr) {
    (line.from.at.min(line.to.at), line.from.at.max(line.to.at))
}

/// The line's way back, seen as that way's defaults say.
fn reversed(line: &Line) -> Line {
    Line { from: line.to.clone(), to: line.from.clone(), sighting: Sighting::default(), ..line.clone() }
}

/// Payload bytes that differ from packet to packet and are the same in every run (xorshift64*).
fn noise(seed: u64, bytes: usize) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    })
    .take(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::ladder::parse;

    const SIP: &str = "0.0 sbc 198.51.100.4:50000 > ms 52.114.75.24:5061 tls OPTIONS\n0.1 ms > sbc 200\n";

    fn made(text: &str) -> Vec<Capture> {
        captures(&parse(text).unwrap()).unwrap()
    }

    #[test]
    fn a_tcp_line_brings_its_handshake_and_acks() {
        let capture = capture(&parse(SIP).unwrap()).unwrap();
        assert_eq!(capture.line_of_record, [1, 1, 1, 1, 1, 2, 2]);
        assert!(!capture.pcapng);
        let pieces = made(&SIP.replace("tls OPTIONS", "tls OPTIONS mss=300"));
        assert_eq!(pieces[0].line_of_record, [1, 1, 1, 1, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn own_segments_replace_the_handshake() {
        let text = "0 a 10.0.0.1:1 > b 10.0.0.2:2 tcp [SYN]\n1 a > b [SYN]\n2 b > a [SYN,ACK]\n3 a > b [ACK]\n4 a > b MESSAGE\n";
        assert_eq!(made(text)[0].line_of_record, [1, 2, 3, 4, 5, 5]);
    }

    #[test]
    fn copies_go_to_their_interfaces_and_files() {
        let text = format!("sbc > ms if=a dup=2\nalso if=b after=0.3ms\n{SIP}");
        let capture = &made(&text)[0];
        assert!(capture.pcapng);
        assert_eq!(capture.line_of_record.iter().filter(|line| **line == 1).count(), 3 * 4 + 2);
        let two = made(&format!("sbc > ms file=a\nalso file=b\nfile b clock=+5s\nms > sbc file=a\n{SIP}"));
        assert_eq!(two.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(capture_fails(&format!("sbc > ms file=a\n{SIP}")));
    }

    fn capture_fails(text: &str) -> bool {
        capture(&parse(text).unwrap()).is_err()
    }

    #[test]
    fn rtp_of_each_packet_differs() {
        let text = "rotate call every=100ms\n0 a 10.0.0.1:4000 > b 10.0.0.2:4000 rtp PCMU x 10 every 20 ms lost=2\n";
        let files = made(text);
        assert_eq!(files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["call-00", "call-01"]);
        assert_eq!(files.iter().map(|f| f.line_of_record.len()).sum::<usize>(), 9);
        assert_ne!(noise(1, 8).collect::<Vec<_>>(), noise(2, 8).collect::<Vec<_>>());
    }
}
