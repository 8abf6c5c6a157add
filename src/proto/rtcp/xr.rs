//! Extended reports (RFC 3611): reference times, delays since them, and VoIP metrics. Other blocks are passed over.

use super::head::{half, word};
use crate::proto::rtp::Ssrc;
use serde::{Deserialize, Serialize};

/// Receiver reference time (section 4.4).
const REFERENCE_TIME: u8 = 4;
/// Delay since the last one (section 4.5).
const DELAY_SINCE: u8 = 5;
/// VoIP metrics (section 4.7).
const VOIP_METRICS: u8 = 7;
/// Octets of one sub-block of [`DELAY_SINCE`].
const SUB_BLOCK: usize = 12;
/// R factors and scores have this value when nobody measured them.
const UNAVAILABLE: u8 = 127;

/// What extended reports of a compound say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    /// Reference times: who sent it, and its wall clock as of a sender report.
    pub references: Vec<(Ssrc, u64)>,
    /// Delays since a reference time came.
    pub delays: Vec<Delay>,
    /// VoIP metrics.
    pub voip: Vec<VoipMetrics>,
}

/// How long ago a receiver's reference time came (section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// Who reports.
    pub reporter: Ssrc,
    /// Who sent the reference time.
    pub ssrc: Ssrc,
    /// Middle 32 bits of that time; 0 when none came.
    pub last: u32,
    /// Delay since it came in 65 536ths of a second.
    pub delay: u32,
}

/// VoIP metrics (section 4.7): how an endpoint judges what it heard of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoipMetrics {
    /// Who reports.
    pub reporter: Ssrc,
    /// The source that is reported on.
    pub ssrc: Ssrc,
    /// Packets lost in the network since the start, in 256ths.
    pub loss: u8,
    /// Packets that came too late or too early for the jitter buffer, in 256ths.
    pub discard: u8,
    /// Packets lost or discarded within bursts, in 256ths.
    pub burst_density: u8,
    /// The same within gaps.
    pub gap_density: u8,
    /// Mean length of bursts in ms.
    pub burst_ms: u16,
    /// Mean length of gaps in ms.
    pub gap_ms: u16,
    /// Round-trip time between the RTP endpoints in ms; 0 when nobody measured it.
    pub round_trip_ms: u16,
    /// Delay within the reporting endpoint in ms, both ways; 0 when nobody measured it.
    pub end_system_ms: u16,
    /// R factor, 0 to 100.
    pub r_factor: Option<u8>,
    /// Listening quality, tenths of 1.0 to 5.0.
    pub mos_lq: Option<u8>,
    /// Conversational quality, tenths of 1.0 to 5.0.
    pub mos_cq: Option<u8>,
    /// Nominal delay of the jitter buffer in ms.
    pub jitter_buffer_ms: u16,
}

/// Reads the blocks of an extended report into `extended`. Ends at the first whose length lies.
pub fn read(packet: &[u8], extended: &mut Extended) {
    let Some(reporter) = word(packet, 4).map(Ssrc) else { return };
    let mut rest = packet.get(8..).unwrap_or_default();
    while let Some(&[kind, _, l0, l1]) = rest.first_chunk::<4>() {
        // The length leaves the first word out, so a block of zero still takes four octets and every turn moves on.
        let len = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
        let Some((block, next)) = rest.split_at_checked(len) else { return };
        match kind {
            REFERENCE_TIME => extended.references.extend(reference(block).map(|ntp| (reporter, ntp))),
            DELAY_SINCE => {
                extended.delays.extend(block.get(4..).unwrap_or_default().chunks_exact(SUB_BLOCK).filter_map(|b| delay(b, reporter)))
            }
            VOIP_METRICS => extended.voip.extend(voip(block, reporter)),
            _ => {}
        }
        rest = next;
    }
}

fn reference(block: &[u8]) -> Option<u64> {
    Some(u64::from(word(block, 4)?) << 32 | u64::from(word(block, 8)?))
}

fn delay(block: &[u8], reporter: Ssrc) -> Option<Delay> {
    Some(Delay { reporter, ssrc: Ssrc(word(block, 0)?), last: word(block, 4)?, delay: word(block, 8)? })
}

fn voip(block: &[u8], reporter: Ssrc) -> Option<VoipMetrics> {
    let byte = |at: usize| block.get(at).copied();
    let measured = |value: u8| (value != UNAVAILABLE).then_some(value);
    Some(VoipMetrics {
        reporter,
        ssrc: Ssrc(word(block, 4)?),
        loss: byte(8)?,
        discard: byte(9)?,
        burst_density: byte(10)?,
        gap_density: byte(11)?,
        burst_ms: half(block, 12)?,
        gap_ms: half(block, 14)?,
        round_trip_ms: half(block, 16)?,
        end_system_ms: half(block, 18)?,
        r_factor: measured(byte(24)?),
        mos_lq: measured(byte(26)?),
        mos_cq: measured(byte(27)?),
        jitter_buffer_ms: half(block, 30)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(blocks: &[&[u8]]) -> Vec<u8> {
        [&[0x80u8, 207, 0, 0, 0, 0, 0, 9][..], &blocks.concat()].concat()
    }

    fn read_all(bytes: &[u8]) -> Extended {
        let mut extended = Extended::default();
        read(bytes, &mut extended);
        extended
    }

    #[test]
    fn the_three_blocks_are_read_and_others_passed_over() {
        let voip: [u8; 36] =
            [7, 0, 0, 8, 0, 0, 0, 5, 12, 13, 14, 15, 0, 20, 0, 30, 0, 40, 0, 50, 0, 0, 0, 16, 93, 127, 42, 127, 0, 0, 0, 60, 0, 70, 0, 80];
        let bytes = packet(&[
            &[4, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
            &[6, 0, 0, 1, 1, 1, 1, 1],
            &[5, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 10],
            &voip,
        ]);
        let extended = read_all(&bytes);
        assert_eq!(extended.references, [(Ssrc(9), 1 << 32 | 2)]);
        assert_eq!(extended.delays.iter().map(|d| (d.ssrc.0, d.last, d.delay)).collect::<Vec<_>>(), [(5, 6, 7), (8, 9, 10)]);
        let [metrics] = extended.voip.as_slice() else { panic!("one block") };
        assert_eq!((metrics.ssrc, metrics.loss, metrics.burst_ms, metrics.round_trip_ms, metrics.end_system_ms), (Ssrc(5), 12, 20, 40, 50));
        assert_eq!((metrics.r_factor, metrics.mos_lq, metrics.mos_cq, metrics.jitter_buffer_ms), (Some(93), Some(42), None, 60));
    }

    #[test]
    fn blocks_without_content_end_and_lengths_that_lie_end_the_reading() {
        assert_eq!(read_all(&packet(&[&[4, 0, 0, 0].repeat(500)])), Extended::default());
        assert_eq!(read_all(&packet(&[&[7, 0, 0xff, 0xff, 0, 0, 0, 5], &[4, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]])), Extended::default());
        assert_eq!(read_all(&[0x80, 207, 0, 0]), Extended::default());
    }
}
