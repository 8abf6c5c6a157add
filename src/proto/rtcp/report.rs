//! Sender information and report blocks (RFC 3550 sections 6.4.1 and 6.4.2).

use super::head::word;
use crate::proto::rtp::Ssrc;
use serde::{Deserialize, Serialize};

/// Octets of a report block.
pub const BLOCK_LEN: usize = 24;

/// Sender information of a sender report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderInfo {
    /// Who sent it.
    pub ssrc: Ssrc,
    /// Wall clock, seconds since 1900 in 32.32 fixed point.
    pub ntp: u64,
    /// The same instant in units of the stream's clock.
    pub rtp_timestamp: u32,
    /// Packets sent since the start.
    pub packets: u32,
    /// Payload octets sent since the start.
    pub octets: u32,
}

/// What one source received of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportBlock {
    /// Who reports.
    pub reporter: Ssrc,
    /// The source that is reported on.
    pub ssrc: Ssrc,
    /// Fraction lost since the last report, in 256ths.
    pub fraction: u8,
    /// Cumulative packets lost, 24 bits signed: negative with duplicates.
    pub lost: i32,
    /// Extended highest sequence number received.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report; 0 when none came.
    pub last_sr: u32,
    /// Delay since that report in 65 536ths of a second.
    pub delay_since_last_sr: u32,
}

/// The sender information of a sender report, whose header is at the front of `packet`.
pub fn sender_info(packet: &[u8]) -> Option<SenderInfo> {
    Some(SenderInfo {
        ssrc: Ssrc(word(packet, 4)?),
        ntp: u64::from(word(packet, 8)?) << 32 | u64::from(word(packet, 12)?),
        rtp_timestamp: word(packet, 16)?,
        packets: word(packet, 20)?,
        octets: word(packet, 24)?,
    })
}

/// The report block at `at` of a report; `None` where it is not whole.
pub fn block(packet: &[u8], at: usize) -> Option<ReportBlock> {
    let block = packet.get(at..)?.get(..BLOCK_LEN)?;
    let loss = word(block, 4)?;
    Some(ReportBlock {
        reporter: Ssrc(word(packet, 4)?),
        ssrc: Ssrc(word(block, 0)?),
        fraction: (loss >> 24) as u8,
        // Shifted up and back, so that the 24-bit sign spreads.
        lost: ((loss << 8) as i32) >> 8,
        highest: word(block, 8)?,
        jitter: word(block, 12)?,
        last_sr: word(block, 16)?,
        delay_since_last_sr: word(block, 20)?,
    })
}

/// The middle 32 bits of an NTP time: what a report block repeats of it.
pub fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}
