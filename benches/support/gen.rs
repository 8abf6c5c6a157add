//! Writes captures of a stated size and shape for benches and tests, and tells the truth about what is in them.
//!
//! The same [`Plan`] gives the same bytes on any machine. Frames are Ethernet, IPv4 and UDP; calls are INVITE to BYE with
//! G.711 of 20 ms both ways (214-byte frames), with loss, jitter and packets that arrive late, all counted in [`Truth`].
//! Tests take this file in with `#[path]`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddrV4;

#[path = "frame.rs"]
mod frame;

#[path = "script.rs"]
mod script;

use script::{CALL, OPTIONS, REGISTER, Step, media, signalling};

/// Time from one RTP packet to the next, in µs.
const PTIME: u64 = 20_000;
/// Samples in that time at 8 kHz.
const SAMPLES: u32 = 160;
/// How long a late packet waits, in µs: one other packet overtakes it.
const LATE: u64 = 30_000;
/// 2026-01-01T00:00:00Z in µs: when every generated capture begins.
const EPOCH: u64 = 1_767_225_600_000_000;

/// What to write.
#[derive(Clone)]
pub struct Plan {
    /// Dialogs only (OPTIONS, REGISTER, INVITE), no media; else calls with media.
    pub signalling_only: bool,
    /// Stop once this many bytes are written, whatever is going on then; ended calls are replaced until there.
    /// `None`: each call once, to its end.
    pub bytes: Option<u64>,
    /// Calls at the same time; in a signalling-only plan without `bytes`, dialogs in all.
    pub calls: u32,
    /// `bytes` times this: as many calls at the same time, for so much longer.
    pub length: u32,
    /// The first calls start spread over this many µs.
    pub ramp_us: u64,
    /// New dialogs per second of a signalling-only plan.
    pub per_second: u64,
    /// Mean length of the conversation in ms; single ones are between a tenth of it and nearly twice.
    pub talk_ms: u64,
    /// RTP packets dropped, in parts per million.
    pub loss_ppm: u32,
    /// RTP packets overtaken by the next one, in parts per million.
    pub late_ppm: u32,
    /// RTP packets arrive up to this many µs behind their time; less than 20 000.
    pub jitter_us: u64,
    /// An 802.1Q tag with this VLAN on every frame.
    pub vlan: Option<u16>,
    /// Every frame a second time, on this VLAN.
    pub mirror: Option<u16>,
    /// Another seed, other dice.
    pub seed: u64,
}

impl Plan {
    /// The shapes that benches quote: `big`, `wide`, `siponly`, `small`; nothing for other names.
    pub fn named(shape: &str) -> Option<Self> {
        let big = Self {
            signalling_only: false,
            bytes: Some(2_000_000_000),
            calls: 2_000,
            length: 1,
            ramp_us: 2_000_000,
            per_second: 3_000,
            talk_ms: 30_000,
            loss_ppm: 1_000,
            late_ppm: 50,
            jitter_us: 2_000,
            vlan: None,
            mirror: None,
            seed: 1,
        };
        match shape {
            "big" => Some(big),
            "big2" => Some(Self { vlan: Some(100), mirror: Some(200), ..big }),
            "wide" => Some(Self { bytes: Some(400_000_000), calls: 50_000, ramp_us: 300_000, ..big }),
            "siponly" => Some(Self { bytes: Some(300_000_000), calls: 20_000, signalling_only: true, talk_ms: 5_000, ..big }),
            "small" => Some(Self { bytes: Some(200_000_000), ..big }),
            _ => None,
        }
    }
}

/// What was written: the figures that a reader of the capture must find.
#[derive(Default)]
pub struct Truth {
    /// Records in the file.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SIP messages by method of requests and by status of responses.
    pub messages: BTreeMap<String, u64>,
    /// RTP streams of which at least one packet was written, in order of their calls.
    pub streams: Vec<StreamTruth>,
}

/// What was written of one RTP stream.
pub struct StreamTruth {
    /// Sender.
    pub src: SocketAddrV4,
    /// Receiver.
    pub dst: SocketAddrV4,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Packets in the file.
    pub packets: u64,
    /// Packets sent and kept out of the file.
    pub dropped: u64,
    /// Expected less received (RFC 3550 section 6.4.1): packets dropped before the first or after the last leave no trace.
    pub lost: u64,
    /// Packets that arrived after one of a higher number.
    pub reordered: u64,
}

impl fmt::Display for StreamTruth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { src, dst, ssrc, packets, dropped, lost, reordered } = self;
        write!(f, "{src} > {dst} 0x{ssrc:08x}: {packets} packets, {dropped} dropped, {lost} lost, {reordered} reordered")
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |field: fn(&StreamTruth) -> u64| self.streams.iter().map(field).sum::<u64>();
        writeln!(f, "packets {}\nbytes {}\nmessages {:?}", self.packets, self.bytes, self.messages)?;
        writeln!(f, "streams {}\nrtp {}", self.streams.len(), sum(|s| s.packets))?;
        writeln!(f, "dropped {}\nlost {}\nreordered {}", sum(|s| s.dropped), sum(|s| s.lost), sum(|s| s.reordered))
    }
}

/// Writes a pcap (µs, little-endian, Ethernet) to `out`, many small writes: hand it a buffered writer.
/// Fails only where `out` does.
pub fn write(plan: &Plan, out: &mut dyn Write) -> io::Result<Truth> {
    let mut run = Run::new(plan, out);
    run.header()?;
    run.first_starts();
    let limit = plan.bytes.map_or(u64::MAX, |bytes| bytes.saturating_mul(u64::from(plan.length)));
    while run.truth.bytes < limit {
        let Some(Reverse((at, _, event))) = run.queue.pop() else { break };
        match event {
            Event::Start => run.start(at),
            Event::Message { dialog, step } => run.message(at, dialog, step)?,
            Event::Packet { stream } => run.packet(at, stream)?,
            Event::Late { stream, index } => run.rtp(at, stream, index)?,
        }
    }
    Ok(run.finish())
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Start,
    Message { dialog: usize, step: usize },
    Packet { stream: usize },
    Late { stream: usize, index: u32 },
}

struct Dialog {
    script: &'static [Step],
    number: u32,
    /// When the caller hangs up, known from the ACK on.
    bye: u64,
}

struct Stream {
    truth: StreamTruth,
    /// Packets are sent every 20 ms from `start` until before `end`.
    start: u64,
    end: u64,
    /// Number of the next packet, from 0; sequence number and timestamp are counted from where the dice put them.
    next: u32,
    first_sequence: u16,
    first_timestamp: u32,
    /// Lowest first seen and highest number in the file.
    seen: Option<(u32, u32)>,
}

/// Marsaglia's xorshift64: enough of a die, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`; 0 when there is none.
    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16).checked_rem(end).unwrap_or(0)
    }

    fn hits(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }
}

struct Run<'a> {
    plan: &'a Plan,
    out: &'a mut dyn Write,
    dice: Dice,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    /// Breaks ties of time, so that the order is never the heap's.
    pushed: u64,
    dialogs: Vec<Dialog>,
    streams: Vec<Stream>,
    truth: Truth,
    frame: Vec<u8>,
    payload: Vec<u8>,
    noise: Vec<u8>,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, out: &'a mut dyn Write) -> Self {
        // A seed of 0 would stay 0; neighbouring seeds should not look alike.
        let mut dice = Dice(plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let noise = (0..4096).map(|_| (dice.next() >> 24) as u8).collect();
        Self {
            plan,
            out,
            dice,
            queue: BinaryHeap::new(),
            pushed: 0,
            dialogs: Vec::new(),
            streams: Vec::new(),
            truth: Truth::default(),
            frame: Vec::with_capacity(2048),
            payload: Vec::with_capacity(2048),
            noise,
        }
    }

    fn push(&mut self, at: u64, event: Event) {
        self.pushed += 1;
        self.queue.push(Reverse((at, self.pushed, event)));
    }

    fn header(&mut self) -> io::Result<()> {
        let header = frame::header();
        self.out.write_all(&header)?;
        self.truth.bytes = header.len() as u64;
        Ok(())
    }

    fn first_starts(&mut self) {
        let calls = u64::from(self.plan.calls);
        let (n, apart) = match (self.plan.signalling_only, self.plan.bytes) {
            (true, Some(_)) => (1, 0), // each start brings the next
            (true, None) => (calls, 1_000_000 / self.plan.per_second.max(1)),
            (false, _) => (calls, self.plan.ramp_us / calls.max(1)),
        };
        for i in 0..n {
            self.push(EPOCH + i * apart, Event::Start);
        }
    }

    fn start(&mut self, at: u64) {
        let number = self.dialogs.len() as u32;
        let script = match number % 5 {
            0 | 1 if self.plan.signalling_only => OPTIONS,
            2 | 3 if self.plan.signalling_only => REGISTER,
            _ => CALL,
        };
        self.dialogs.push(Dialog { script, number, bye: 0 });
        self.push(at, Event::Message { dialog: number as usize, step: 0 });
        if self.plan.signalling_only && self.plan.bytes.is_some() {
            self.push(at + 1_000_000 / self.plan.per_second.max(1), Event::Start);
        }
    }

    fn message(&mut self, at: u64, dialog: usize, step: usize) -> io::Result<()> {
        let script = self.dialogs[dialog].script;
        let (number, now) = (self.dialogs[dialog].number, &script[step]);
        let key = if now.is_request() { now.method } else { &now.status[..3] };
        *self.truth.messages.entry(key.to_owned()).or_default() += 1;
        let text = script::text(number, number % self.plan.calls.max(1), now);
        self.payload.clear();
        self.payload.extend_from_slice(text.as_bytes());
        let ends = signalling(number);
        let (src, dst) = if now.caller { ends } else { (ends.1, ends.0) };
        self.datagram(at, src, dst, 0x60)?;

        if now.method == "ACK" {
            self.talk(at, dialog);
        }
        match script.get(step + 1) {
            Some(next) => {
                let after = next.after + self.dice.below(next.after / 10);
                let at = if next.method == "BYE" && next.is_request() { self.dialogs[dialog].bye } else { at + after };
                self.push(at, Event::Message { dialog, step: step + 1 });
            }
            None if !self.plan.signalling_only && self.plan.bytes.is_some() => {
                let pause = self.dice.below(200_000);
                self.push(at + pause, Event::Start);
            }
            None => {}
        }
        Ok(())
    }

    fn talk(&mut self, at: u64, dialog: usize) {
        let mean = self.plan.talk_ms * 1_000;
        let bye = at + mean / 10 + self.dice.below(mean * 9 / 5);
        self.dialogs[dialog].bye = bye;
        if self.plan.signalling_only {
            return;
        }
        let (a, b) = media(self.dialogs[dialog].number);
        for (src, dst) in [(a, b), (b, a)] {
            let ssrc = self.dice.next() as u32;
            let truth = StreamTruth { src, dst, ssrc, packets: 0, dropped: 0, lost: 0, reordered: 0 };
            let start = at + self.dice.below(PTIME);
            let (first_sequence, first_timestamp) = (self.dice.next() as u16, self.dice.next() as u32);
            self.streams.push(Stream { truth, start, end: bye, next: 0, first_sequence, first_timestamp, seen: None });
            self.push(start, Event::Packet { stream: self.streams.len() - 1 });
        }
    }

    fn packet(&mut self, at: u64, stream: usize) -> io::Result<()> {
        let jitter = self.dice.below(self.plan.jitter_us.min(PTIME));
        let (lost, late) = (self.dice.hits(self.plan.loss_ppm), self.dice.hits(self.plan.late_ppm));
        let this = &mut self.streams[stream];
        let (index, started) = (this.next, this.seen.is_some());
        this.next += 1;
        let due = this.start + u64::from(this.next) * PTIME;
        let last = due >= this.end;
        if lost {
            this.truth.dropped += 1;
        }
        if !last {
            self.push(due + jitter, Event::Packet { stream });
        }
        match (lost, late && started && !last) {
            (true, _) => Ok(()),
            (false, true) => {
                self.push(at + LATE, Event::Late { stream, index });
                Ok(())
            }
            (false, false) => self.rtp(at, stream, index),
        }
    }

    fn rtp(&mut self, at: u64, stream: usize, index: u32) -> io::Result<()> {
        let from = self.dice.below(self.noise.len() as u64 - u64::from(SAMPLES)) as usize;
        let this = &mut self.streams[stream];
        let (first, highest) = this.seen.unwrap_or((index, index));
        this.truth.packets += 1;
        this.truth.reordered += u64::from(index < highest);
        this.seen = Some((first, highest.max(index)));

        self.payload.clear();
        self.payload.extend([0x80, if index == 0 { 0x80 } else { 0 }]); // PCMU, a talkspurt begins
        self.payload.extend(this.first_sequence.wrapping_add(index as u16).to_be_bytes());
        self.payload.extend(this.first_timestamp.wrapping_add(index.wrapping_mul(SAMPLES)).to_be_bytes());
        self.payload.extend(this.truth.ssrc.to_be_bytes());
        self.payload.extend_from_slice(&self.noise[from..from + SAMPLES as usize]);
        let (src, dst) = (this.truth.src, this.truth.dst);
        self.datagram(at, src, dst, 0xb8)
    }

    fn datagram(&mut self, at: u64, src: SocketAddrV4, dst: SocketAddrV4, tos: u8) -> io::Result<()> {
        let ip = frame::ipv4(src, dst, tos, self.truth.packets as u16, self.payload.len());
        for vlan in [self.plan.vlan].into_iter().chain(self.plan.mirror.map(Some)) {
            frame::record(&mut self.frame, at, vlan, &ip, (src.port(), dst.port()), &self.payload);
            self.out.write_all(&self.frame)?;
            self.truth.packets += 1;
            self.truth.bytes += self.frame.len() as u64;
        }
        Ok(())
    }

    fn finish(mut self) -> Truth {
        for stream in self.streams {
            let Some((first, highest)) = stream.seen else { continue };
            let expected = u64::from(highest - first) + 1;
            let lost = expected - stream.truth.packets;
            self.truth.streams.push(StreamTruth { lost, ..stream.truth });
        }
        self.truth
    }
}
