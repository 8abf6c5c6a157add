//! AES in Galois/counter mode (NIST SP 800-38D) with nonces of 96 bits: the tag alone, and the text where it is wanted. The tag needs no
//! decryption, which is why it stands by itself.

use super::derive::{Aes, BLOCK};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

/// Octets of a tag.
pub const TAG: usize = 16;
/// Octets of a nonce.
pub const NONCE: usize = 12;

/// The tag of `sealed` and of what is authenticated in clear.
pub fn tag(aes: &Aes, nonce: &[u8; NONCE], authenticated: &[u8], sealed: &[u8]) -> [u8; TAG] {
    let mut hash = GHash::new(&aes.encrypt([0; BLOCK]).into());
    hash.update_padded(authenticated);
    hash.update_padded(sealed);
    let bits = [authenticated, sealed].map(|part| (part.len() as u64 * 8).to_be_bytes());
    hash.update_padded(&bits.concat());
    let mut tag: [u8; TAG] = hash.finalize().into();
    aes.count(counter(nonce, 1), &mut tag);
    tag
}

/// Opens `text` in place. Whether it is what was sealed, [`tag`] says.
pub fn open(aes: &Aes, nonce: &[u8; NONCE], text: &mut [u8]) {
    aes.count(counter(nonce, 2), text);
}

fn counter(nonce: &[u8; NONCE], from: u32) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block.iter_mut().zip(nonce.iter().chain(&from.to_be_bytes())).for_each(|(to, from)| *to = *from);
    block
}
