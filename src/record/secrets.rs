//! Decryption Secrets Blocks of a pcapng file (draft-ietf-opsawg-pcapng section 4.7): key logs beside the packets, wherever in the
//! file they stand.

use super::bytes::Order;
use super::pcapng::LONGEST;
use crate::input::{Blocks, Format, glance};
use std::path::Path;
use zeroize::Zeroizing;

/// The text of a key log, wiped when it is let go. The bytes that it was copied from are those of the capture, a mapped file or a block of
/// a stream, and go as all of the capture goes.
pub type Text = Zeroizing<Vec<u8>>;

/// Type of the block.
pub const SECRETS: u32 = 10;
/// A key log of TLS, in `SSLKEYLOGFILE` form.
const TLS_KEY_LOG: u32 = 0x544c_534b;
/// Most bytes of key logs that are kept of a file.
const MOST: usize = 64 << 20;
/// Type and length of a block.
const HEADER: usize = 8;
/// Type, two lengths and the byte order of a section.
const SECTION: usize = 12;

/// The key log in the body of a block, if it is one of TLS.
pub fn key_log(order: Order, body: &[u8]) -> Option<&[u8]> {
    let len = order.u32_at(body, 4)? as usize;
    body.get(8..8usize.checked_add(len)?).filter(|_| order.u32_at(body, 0) == Some(TLS_KEY_LOG))
}

/// All key logs of a file in their order; none where it has none, or is no pcapng file. What cannot be read ends the search:
/// the walk over the records says so.
pub fn of_file(path: &Path) -> Vec<Text> {
    glance(path).map_or_else(|_| Vec::new(), search)
}

fn search(mut blocks: Blocks) -> Vec<Text> {
    let mut found = Vec::new();
    let mut len_found = 0;
    let mut pos = blocks.join(0, SECTION);
    if Format::of((**blocks.current()).as_ref()) != Some(Format::Pcapng) {
        return found;
    }
    let mut order = Order::Little;
    while len_found < MOST {
        pos = blocks.join(pos, SECTION);
        let rest = (**blocks.current()).as_ref().get(pos..).unwrap_or_default();
        let (Some(kind), Some(magic)) = (order.u32_at(rest, 0), rest.get(8..SECTION)) else { break };
        if kind == u32::from_le_bytes([0x0a, 0x0d, 0x0d, 0x0a]) {
            order = if magic == [0x1a, 0x2b, 0x3c, 0x4d] { Order::Big } else { Order::Little };
        }
        let Some(len) = order.u32_at(rest, 4).map(|len| len as usize).filter(|len| (SECTION..=LONGEST).contains(len)) else { break };
        if kind == SECRETS {
            pos = blocks.join(pos, len);
            let block = (**blocks.current()).as_ref().get(pos..pos + len - 4).unwrap_or_default();
            if let Some(text) = block.get(HEADER..).and_then(|body| key_log(order, body)) {
                len_found += text.len();
                found.push(Text::new(text.to_vec()));
            }
        }
        pos = blocks.pass(pos, len);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::test_blocks;
    use crate::record::synth::Ng;

    #[test]
    fn key_logs_are_found_wherever_they_stand_and_however_the_file_is_read() {
        for order in [Order::Little, Order::Big] {
            let mut file = Ng::new(order);
            let number = |n: u32| if order == Order::Big { n.to_be_bytes() } else { n.to_le_bytes() };
            file.interface(1, 0, &[], false);
            file.block(SECRETS, &[&number(TLS_KEY_LOG)[..], &number(5), b"first\0\0\0"].concat());
            file.enhanced(0, 77, 1_500, &[7; 1_000]);
            file.block(SECRETS, &[&number(0x5353_4841)[..], &number(4), b"nope"].concat());
            file.block(SECRETS, &[&number(TLS_KEY_LOG)[..], &number(99), b"cut!"].concat());
            file.block(SECRETS, &[&number(TLS_KEY_LOG)[..], &number(4), b"last"].concat());
            for size in [16, 64, 1_000, 100_000] {
                let found = search(test_blocks(&file.out, size));
                assert_eq!(found.iter().map(|text| text.as_slice()).collect::<Vec<_>>(), [&b"first"[..], b"last"], "{size}");
            }
        }
        assert!(search(test_blocks(&[0; 100], 16)).is_empty());
    }
}
