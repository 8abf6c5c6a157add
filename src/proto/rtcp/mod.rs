//! RTCP (RFC 3550 section 6): recognition, and what a compound packet says. One packet type a file.

mod head;
mod report;
mod sdes;
mod xr;

use crate::proto::rtp::Ssrc;
use head::{APPLICATION, BYE, EXTENDED_REPORT, Head, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION, word};
use report::{BLOCK_LEN, block, sender_info};
pub use report::{ReportBlock, SenderInfo, middle};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
pub use xr::{Delay, Extended, VoipMetrics};

/// What a compound packet says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compound {
    /// Who sent the first packet of it.
    pub sender: Ssrc,
    /// Sender information of its sender reports, in order.
    pub senders: SmallVec<[SenderInfo; 1]>,
    /// Report blocks of all sender and receiver reports, in order.
    pub blocks: SmallVec<[ReportBlock; 2]>,
    /// Canonical names of sources (SDES CNAME).
    pub names: Vec<(Ssrc, String)>,
    /// Sources that left (BYE).
    pub byes: SmallVec<[Ssrc; 1]>,
    /// What its extended reports say.
    pub extended: Extended,
    /// The whole datagram was read. False when it is encrypted (SRTCP, RFC 3711 section 3.4) or cut by snaplen: then only
    /// `sender` is known.
    pub clear: bool,
}

/// Whether a UDP payload is RTCP or SRTCP, judged by its first header, which SRTCP leaves readable.
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    probe_cut(datagram, 0)
}

/// [`probe`] of a UDP payload whose last `cut` bytes were not captured.
#[inline]
pub fn probe_cut(datagram: &[u8], cut: u32) -> bool {
    let Some(head) = Head::read(datagram) else { return false };
    let least = match head.kind {
        SENDER_REPORT => 28 + usize::from(head.count) * BLOCK_LEN,
        RECEIVER_REPORT => 8 + usize::from(head.count) * BLOCK_LEN,
        BYE => 4 + usize::from(head.count.max(1)) * 4,
        SOURCE_DESCRIPTION | APPLICATION..=EXTENDED_REPORT => 8,
        _ => return false,
    };
    head.len >= least && head.len <= datagram.len().saturating_add(cut as usize)
}

/// Reads a compound packet. Fails where [`probe`] does. Walks every packet once; feedback and application packets are passed over. A
/// compound that does not end with the datagram is encrypted or cut, and gives its sender alone.
pub fn read(datagram: &[u8]) -> Option<Compound> {
    read_cut(datagram, 0)
}

/// [`read`] of a UDP payload whose last `cut` bytes were not captured.
pub fn read_cut(datagram: &[u8], cut: u32) -> Option<Compound> {
    if !probe_cut(datagram, cut) {
        return None;
    }
    let mut compound = sender_alone(datagram)?;
    if cut > 0 || walk(datagram, &mut compound).is_none() {
        return sender_alone(datagram);
    }
    compound.clear = true;
    Some(compound)
}

fn sender_alone(datagram: &[u8]) -> Option<Compound> {
    let sender = Ssrc(word(datagram, 4)?);
    Some(Compound {
        sender,
        senders: SmallVec::new(),
        blocks: SmallVec::new(),
        names: Vec::new(),
        byes: SmallVec::new(),
        extended: Extended::default(),
        clear: false,
    })
}

/// Less than a header may be left over: real endpoints fill up their datagrams, and SRTCP adds more than that.
fn walk(mut rest: &[u8], compound: &mut Compound) -> Option<()> {
    while rest.len() >= 4 {
        let head = Head::read(rest)?;
        // `len` counts the header, so it is at least 4 and every turn moves on.
        let (packet, next) = rest.split_at_checked(head.len)?;
        let body = head.body(packet)?;
        match head.kind {
            SENDER_REPORT => {
                compound.senders.push(sender_info(body)?);
                blocks(body, 28, head.count, compound)?;
            }
            RECEIVER_REPORT => blocks(body, 8, head.count, compound)?,
            SOURCE_DESCRIPTION => compound.names.extend(sdes::names(body, head.count)),
            BYE => {
                for i in 0..usize::from(head.count) {
                    compound.byes.push(Ssrc(word(body, 4 + i * 4)?));
                }
            }
            EXTENDED_REPORT => xr::read(body, &mut compound.extended),
            _ => {}
        }
        rest = next;
    }
    Some(())
}

fn blocks(packet: &[u8], from: usize, count: u8, compound: &mut Compound) -> Option<()> {
    for i in 0..usize::from(count) {
        compound.blocks.push(block(packet, from + i * BLOCK_LEN)?);
    }
    Some(())
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
        assert_eq!((report.sender, report.senders[0].packets, report.senders[0].ssrc), (Ssrc(0xaaaa_0001), 4, Ssrc(0xaaaa_0001)));
        assert_eq!(report.names, [(Ssrc(0xaaaa_0001), "x".to_owned())]);
        let block = ReportBlock {
            reporter: Ssrc(0xaaaa_0001),
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
        assert_eq!((report.sender, report.clear, report.blocks.len(), report.senders.len()), (Ssrc(0xaaaa_0001), false, 0, 0));
    }

    #[test]
    fn empty_blocks_end() {
        let bytes = [&[0x80, 201, 0, 1, 0, 0, 0, 5][..], &[0x80, 202, 0, 0].repeat(300)].concat();
        assert!(read(&bytes).unwrap().clear);
    }

    #[test]
    fn octets_left_over_at_the_end_hide_nothing() {
        let bytes = [&sender_report()[..], &[0, 0]].concat();
        assert_eq!(read(&bytes).map(|report| (report.clear, report.blocks.len())), Some((true, 1)));
    }

    #[test]
    fn bye_names_who_left() {
        let bytes = [0x80, 201, 0, 1, 0, 0, 0, 5, 0x81, 203, 0, 1, 0, 0, 0, 5];
        assert_eq!(read(&bytes).unwrap().byes.as_slice(), [Ssrc(5)]);
    }

    #[test]
    fn padding_and_feedback_are_passed_over() {
        let feedback = [0x81, 206, 0, 2, 0, 0, 0, 5, 0, 0, 0, 6];
        let padded = [0xa1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4];
        let report = read(&[&feedback[..], &padded].concat()).unwrap();
        assert_eq!((report.clear, report.sender, report.byes.as_slice()), (true, Ssrc(5), &[Ssrc(5)][..]));
        for padding in [0, 13, 255] {
            let lies = [0xa0, 201, 0, 2, 0, 0, 0, 5, 0, 0, 0, padding];
            assert!(!read(&lies).unwrap().clear, "{padding} octets of padding");
        }
    }

    #[test]
    fn second_packet_that_goes_on_past_the_end_leaves_the_sender() {
        let bytes = [&sender_report()[..], &[0x81, 202, 0xff, 0xff, 0, 0, 0, 5]].concat();
        assert!(!read(&bytes).unwrap().clear);
        assert!(!read_cut(&sender_report(), 8).unwrap().clear, "cut by snaplen");
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
