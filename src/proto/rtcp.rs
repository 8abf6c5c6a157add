//! RTCP (RFC 3550 section 6): recognition, and the reception reports of a compound packet.

use crate::proto::rtp::Ssrc;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const BYE: u8 = 203;
/// Extended reports (RFC 3611), the last of the types that are read.
const EXTENDED_REPORT: u8 = 207;
/// A report block (RFC 3550 section 6.4.1).
const BLOCK_LEN: usize = 24;

/// What a compound packet says of reception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtcpReport {
    /// Who sent the first packet of the compound.
    pub sender: Ssrc,
    /// The sender information of a sender report.
    pub sender_info: Option<SenderInfo>,
    /// Report blocks of all sender and receiver reports, in order.
    pub blocks: SmallVec<[ReportBlock; 2]>,
    /// Sources that left (BYE).
    pub byes: SmallVec<[Ssrc; 1]>,
    /// The whole datagram was read. False when it is encrypted (SRTCP, RFC 3711 section 3.4) or cut by snaplen: then only
    /// `sender` is known.
    pub clear: bool,
}

/// Sender information of a sender report (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderInfo {
    /// Wall clock, seconds since 1900 in 32.32 fixed point.
    pub ntp: u64,
    /// The same instant in units of the stream's clock.
    pub rtp_timestamp: u32,
    /// Packets sent since the start.
    pub packets: u32,
    /// Payload octets sent since the start.
    pub octets: u32,
}

/// A report block (RFC 3550 section 6.4.1): what the sender of the report received of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportBlock {
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

/// Whether a UDP payload is RTCP or SRTCP, judged by its first header, which SRTCP leaves readable.
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    probe_cut(datagram, 0)
}

/// [`probe`] of a UDP payload whose last `cut` bytes were not captured.
#[inline]
pub fn probe_cut(datagram: &[u8], cut: u32) -> bool {
    let Some((head, _)) = Head::read(datagram) else { return false };
    let least = match head.kind {
        SENDER_REPORT => 28 + usize::from(head.count) * BLOCK_LEN,
        RECEIVER_REPORT => 8 + usize::from(head.count) * BLOCK_LEN,
        BYE => 4 + usize::from(head.count.max(1)) * 4,
        _ => 8,
    };
    head.len >= least && head.len <= datagram.len().saturating_add(cut as usize)
}

/// Reads a compound packet. Fails where [`probe`] does. Walks every packet once; a compound that does not end with the datagram
/// is encrypted or cut, and gives its sender alone.
pub fn read(datagram: &[u8]) -> Option<RtcpReport> {
    if !probe(datagram) {
        return None;
    }
    let mut report = sender_alone(datagram)?;
    if walk(datagram, &mut report).is_none() {
        report = sender_alone(datagram)?;
    } else {
        report.clear = true;
    }
    Some(report)
}

fn sender_alone(datagram: &[u8]) -> Option<RtcpReport> {
    let sender = Ssrc(word(datagram, 4)?);
    Some(RtcpReport { sender, sender_info: None, blocks: SmallVec::new(), byes: SmallVec::new(), clear: false })
}

fn walk(mut rest: &[u8], report: &mut RtcpReport) -> Option<()> {
    while !rest.is_empty() {
        let (head, _) = Head::read(rest)?;
        // `len` counts the header, so it is at least 4 and every turn moves on.
        let (packet, next) = rest.split_at_checked(head.len)?;
        match head.kind {
            SENDER_REPORT => {
                report.sender_info = Some(sender_info(packet)?);
                blocks(packet.get(28..)?, head.count, report)?;
            }
            RECEIVER_REPORT => blocks(packet.get(8..)?, head.count, report)?,
            BYE => {
                for i in 0..usize::from(head.count) {
                    report.byes.push(Ssrc(word(packet, 4 + i * 4)?));
                }
            }
            _ => {}
        }
        rest = next;
    }
    Some(())
}

fn sender_info(packet: &[u8]) -> Option<SenderInfo> {
    Some(SenderInfo {
        ntp: u64::from(word(packet, 8)?) << 32 | u64::from(word(packet, 12)?),
        rtp_timestamp: word(packet, 16)?,
        packets: word(packet, 20)?,
        octets: word(packet, 24)?,
    })
}

fn blocks(body: &[u8], count: u8, report: &mut RtcpReport) -> Option<()> {
    for i in 0..usize::from(count) {
        let block = body.get(i * BLOCK_LEN..)?;
        let loss = word(block, 4)?;
        report.blocks.push(ReportBlock {
            ssrc: Ssrc(word(block, 0)?),
            fraction: (loss >> 24) as u8,
            // Shifted up and back, so that the 24-bit sign spreads.
            lost: ((loss << 8) as i32) >> 8,
            highest: word(block, 8)?,
            jitter: word(block, 12)?,
            last_sr: word(block, 16)?,
            delay_since_last_sr: word(block, 20)?,
        });
    }
    Some(())
}

/// The common header of every RTCP packet.
struct Head {
    count: u8,
    kind: u8,
    /// Bytes of the packet, header included.
    len: usize,
}

impl Head {
    #[inline]
    fn read(bytes: &[u8]) -> Option<(Head, &[u8])> {
        let (&[first, kind, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
        let len = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
        let known = first >> 6 == 2 && (SENDER_REPORT..=EXTENDED_REPORT).contains(&kind);
        known.then_some((Head { count: first & 0x1f, kind, len }, rest))
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|b| u32::from_be_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender_report() -> Vec<u8> {
        let words: [u32; 13] = [0x81c8_000c, 0xaaaa_0001, 1, 2, 3, 4, 5, 0xbbbb_0002, 0x10ff_fffe, 0x0001_0203, 77, 0x1234_5678, 65_536];
        words.iter().flat_map(|w| w.to_be_bytes()).collect()
    }

    #[test]
    fn sender_report_with_sdes_gives_its_block() {
        let mut bytes = sender_report();
        bytes.extend([0x81, 202, 0, 2, 0xaa, 0xaa, 0, 1, 1, 1, b'x', 0]);
        let report = read(&bytes).unwrap();
        assert!(probe(&bytes) && report.clear);
        assert_eq!((report.sender, report.sender_info.unwrap().packets), (Ssrc(0xaaaa_0001), 4));
        let block = ReportBlock {
            ssrc: Ssrc(0xbbbb_0002),
            fraction: 16,
            lost: -2,
            highest: 0x10203,
            jitter: 77,
            last_sr: 0x1234_5678,
            delay_since_last_sr: 65_536,
        };
        assert_eq!(report.blocks.as_slice(), [block]);
    }

    #[test]
    fn encrypted_compound_keeps_its_sender() {
        let mut bytes = sender_report();
        bytes.extend([0x80, 0, 0, 1, 9, 9, 9, 9]);
        let report = read(&bytes).unwrap();
        assert_eq!((report.sender, report.clear, report.blocks.len(), report.sender_info), (Ssrc(0xaaaa_0001), false, 0, None));
    }

    #[test]
    fn empty_blocks_end() {
        let bytes = [&[0x80, 201, 0, 1, 0, 0, 0, 5][..], &[0x80, 202, 0, 0].repeat(300)].concat();
        assert!(read(&bytes).unwrap().clear);
    }

    #[test]
    fn bye_names_who_left() {
        let bytes = [0x80, 201, 0, 1, 0, 0, 0, 5, 0x81, 203, 0, 1, 0, 0, 0, 5];
        assert_eq!(read(&bytes).unwrap().byes.as_slice(), [Ssrc(5)]);
    }

    #[test]
    fn headers_that_do_not_fit_are_not_rtcp() {
        let bytes = sender_report();
        assert!(!probe(&bytes[..51]) && probe_cut(&bytes[..28], 24));
        assert!(!probe(&[0x81, 201, 0, 1, 0, 0, 0, 0]), "a block that has no room");
        assert!(!probe(&[0x80, 199, 0, 1, 0, 0, 0, 0]) && !probe(&[0x40, 200, 0, 6, 0, 0, 0, 0]));
        for n in 0..bytes.len() {
            assert_eq!(read(&bytes[..n]), None);
        }
    }
}
