//! RTP packets for the tests of this module.

use super::arrival::Arrival;
use crate::decode::{Dir, FlowKey, Home, Link, MacPair, Packet, TapId, TunnelsId, flow_key};
use crate::ledger::Ledger;
use crate::proto::rtp::Header;
use crate::record::{RecordId, Seq, SourceId};
use crate::time::Timestamp;

/// A packet of G.711, 20 ms a number, on a flow of its own.
#[derive(Debug, Clone)]
pub struct Rtp {
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload_type: u8,
    pub marker: bool,
    pub at: i64,
    pub seq: u64,
    pub tap: u32,
    pub ttl: u8,
    pub payload: Vec<u8>,
}

/// The packet with this number, sent 20 ms a number after zero.
pub fn packet(sequence: u16) -> Rtp {
    let n = i64::from(sequence);
    let payload = (0..160u32).map(|i| (u32::from(sequence).wrapping_mul(31) + i) as u8).collect();
    Rtp {
        sequence,
        timestamp: u32::from(sequence) * 160,
        ssrc: 7,
        payload_type: 8,
        marker: false,
        at: n * 20_000_000,
        seq: n as u64,
        tap: 0,
        ttl: 64,
        payload,
    }
}

impl Rtp {
    pub fn at_ms(self, ms: i64) -> Self {
        Self { at: ms * 1_000_000, ..self }
    }
    /// Seen at `tap` with `ttl`, `us` microseconds later.
    pub fn seen(self, tap: u32, ttl: u8, us: i64) -> Self {
        Self { tap, ttl, at: self.at + us * 1_000, ..self }
    }
    pub fn of(self, ssrc: u32) -> Self {
        Self { ssrc, ..self }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0x80, self.payload_type | u8::from(self.marker) << 7];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Gives the packet and its header to `take`.
    pub fn give<T>(&self, take: impl FnOnce(&Packet<'_>, &Header) -> T) -> T {
        let bytes = self.bytes();
        let packet = Packet {
            source: SourceId(0),
            fragments: &[],
            held: 0,
            agent: None,
            home: Home::default(),
            tunnels: TunnelsId(0),
            seq: Seq(self.seq),
            id: RecordId { input: 0, number: self.seq + 1 },
            at: Timestamp(self.at),
            clock: Timestamp(self.at),
            tap: TapId(self.tap),
            link: Link { macs: MacPair::default(), ttl: self.ttl, dscp: 46 },
            flow: flow(),
            dir: Dir::Up,
            tcp: None,
            payload: &bytes,
            cut: 0,
        };
        take(&packet, &Header::read(&bytes).unwrap())
    }

    pub fn arrival(&self) -> Arrival {
        self.give(Arrival::of)
    }
}

/// The flow of all these packets.
pub fn flow() -> FlowKey {
    FlowKey::v4([192, 0, 2, 1], 4000, [192, 0, 2, 2], 5000, flow_key::UDP).0
}

/// Runs packets in this order through a media flow, with Seq in that order.
pub fn run(packets: impl IntoIterator<Item = Rtp>) -> (super::media::MediaFlow, Ledger) {
    let (mut media, mut ledger) = Default::default();
    feed(&mut media, &mut ledger, packets);
    (media, ledger)
}

/// Runs more packets through it.
pub fn feed(media: &mut super::media::MediaFlow, ledger: &mut Ledger, packets: impl IntoIterator<Item = Rtp>) {
    for mut rtp in packets {
        rtp.seq = ledger.sum();
        rtp.give(|packet, header| media.rtp(packet, header, ledger));
    }
}
