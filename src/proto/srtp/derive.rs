//! Session keys (RFC 3711 section 4.3, RFC 6188 section 3, RFC 7714 section 11), and AES in counter mode, which makes them.

use super::{Master, Secret};
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use zeroize::{Zeroize, Zeroizing};

/// Octets of a block of AES.
pub const BLOCK: usize = 16;

/// What a key is for (RFC 3711 section 4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Label {
    /// Encrypts RTP.
    RtpKey = 0,
    /// Authenticates RTP.
    RtpAuth = 1,
    /// Salts RTP.
    RtpSalt = 2,
    /// Encrypts RTCP.
    RtcpKey = 3,
    /// Authenticates RTCP.
    RtcpAuth = 4,
    /// Salts RTCP.
    RtcpSalt = 5,
}

/// AES with one key.
pub enum Aes {
    /// 128 bits.
    Short(Box<Aes128>),
    /// 256 bits.
    Long(Box<Aes256>),
}

impl Aes {
    /// With a key of 16 or 32 octets; `None` with any other.
    pub fn new(key: &[u8]) -> Option<Aes> {
        match key.len() {
            16 => Some(Aes::Short(Box::new(Aes128::new_from_slice(key).ok()?))),
            _ => Some(Aes::Long(Box::new(Aes256::new_from_slice(key).ok()?))),
        }
    }

    /// One block.
    pub fn encrypt(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Array::from(block);
        match self {
            Aes::Short(aes) => aes.encrypt_block(&mut block),
            Aes::Long(aes) => aes.encrypt_block(&mut block),
        }
        block.into()
    }

    /// Counter mode from `counter` on (RFC 3711 section 4.1.1): changes `text` to what it hides, or the other way round.
    pub fn count(&self, counter: [u8; BLOCK], text: &mut [u8]) {
        let first = u128::from_be_bytes(counter);
        for (n, part) in (0..).zip(text.chunks_mut(BLOCK)) {
            let mut stream = self.encrypt(first.wrapping_add(n).to_be_bytes());
            part.iter_mut().zip(stream).for_each(|(octet, key)| *octet ^= key);
            stream.zeroize();
        }
    }
}

/// `len` octets of the key that `label` names. Keys are derived once: a key derivation rate is not looked at.
pub fn derive(master: &Master, label: Label, len: usize) -> Option<Secret> {
    // The label stands at bit 48 from the right of 112; a salt of 96 bits is put to their left (RFC 7714 section 11).
    let mut x = Zeroizing::new([0; BLOCK]);
    x.iter_mut().take(14).zip(master.salt()).for_each(|(to, salt)| *to = *salt);
    if let Some(octet) = x.get_mut(7) {
        *octet ^= label as u8;
    }
    let mut out = Zeroizing::new(vec![0; len]);
    Aes::new(master.key())?.count(*x, &mut out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::{Suite, hex};
    use super::*;

    /// RFC 3711 appendix B.2.
    #[test]
    fn aes_counter_mode_is_that_of_rfc_3711() {
        let aes = Aes::new(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
        let counter = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000").try_into().unwrap();
        let mut stream = vec![0; 0xff02 * BLOCK];
        aes.count(counter, &mut stream);
        assert_eq!(stream[..48], hex("e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab 41e95b3bb0a2e8dd477901e4fca894c0"));
        assert_eq!(
            stream[0xfeff * BLOCK..],
            hex("ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae 6a2cc3787889374fbeb4c81b17ba6c44")
        );
    }

    /// RFC 3711 appendix B.3.
    #[test]
    fn keys_are_those_of_rfc_3711() {
        let master = Master::new(Suite::Cm128Sha80, &hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")).unwrap();
        assert_eq!(*derive(&master, Label::RtpKey, 16).unwrap(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(*derive(&master, Label::RtpSalt, 14).unwrap(), hex("30CBBC08863D8C85D49DB34A9AE1"));
        let auth = hex(
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2DC68",
        );
        assert_eq!(*derive(&master, Label::RtpAuth, 94).unwrap(), auth[..94]);
    }

    /// RFC 6188 section 7.2.
    #[test]
    fn keys_are_those_of_rfc_6188() {
        let key = "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2";
        let master = Master::new(Suite::Cm256Sha80, &hex(key)).unwrap();
        assert_eq!(*derive(&master, Label::RtpKey, 32).unwrap(), hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4"));
        assert_eq!(*derive(&master, Label::RtpSalt, 14).unwrap(), hex("fa31791685ca444a9e07c6c64e93"));
        assert_eq!(*derive(&master, Label::RtpAuth, 20).unwrap(), hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
    }
}
