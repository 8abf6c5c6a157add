//! The records of a ladder's TLS once they are encrypted: TLS 1.2 with AES-128-GCM and SHA-256 (RFC 5246, RFC 5288) under one master secret.

use aes_gcm::aead::{AeadInOut, KeyInit as _};
use aes_gcm::{Aes128Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The one suite that is sealed for good: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.
pub const SUITE: u16 = 0xc02f;
/// The master secret of every connection.
const MASTER: [u8; 48] = [0x5e; 48];
/// Octets of a key and of the salt of a nonce.
const KEY: usize = 16;
const SALT: usize = 4;

/// Seals the records of one direction.
pub struct Sealer {
    key: Vec<u8>,
    salt: Vec<u8>,
    next: u64,
}

impl Sealer {
    /// For what the client sends, or the server.
    pub fn new(client: bool, [client_random, server_random]: [&[u8; 32]; 2]) -> Self {
        let block = prf("key expansion", &[&server_random[..], client_random].concat(), 2 * (KEY + SALT));
        let side = usize::from(!client);
        let key = block[side * KEY..][..KEY].to_vec();
        let salt = block[2 * KEY + side * SALT..][..SALT].to_vec();
        Self { key, salt, next: 0 }
    }

    /// The body of the next record.
    pub fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let number = self.next.to_be_bytes();
        self.next += 1;
        let length = u16::try_from(content.len()).expect("a ladder's record is small").to_be_bytes();
        let aad = [&number[..], &[kind, 3, 3], &length].concat();
        let nonce: [u8; 12] = [&self.salt[..], &number].concat().try_into().expect("4 and 8 octets");
        let aead = Aes128Gcm::new_from_slice(&self.key).expect("16 octets");
        let mut sealed = content.to_vec();
        let tag = aead.encrypt_inout_detached(&Nonce::from(nonce), &aad, sealed.as_mut_slice().into()).expect("it is short");
        [&number[..], &sealed, &tag].concat()
    }
}

/// The line of a key log for a connection.
pub fn key_log(client_random: &[u8; 32]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("CLIENT_RANDOM {} {}\n", hex(client_random), hex(&MASTER))
}

/// The PRF of TLS 1.2 (RFC 5246 section 5).
fn prf(label: &str, seed: &[u8], len: usize) -> Vec<u8> {
    let hmac = |bytes: &[u8]| {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&MASTER).expect("any length will do");
        mac.update(bytes);
        mac.finalize().into_bytes().to_vec()
    };
    let seed = [label.as_bytes(), seed].concat();
    let (mut a, mut out) = (hmac(&seed), Vec::new());
    while out.len() < len {
        out.extend(hmac(&[&a[..], &seed].concat()));
        a = hmac(&a);
    }
    out.truncate(len);
    out
}

#[test]
fn each_record_and_each_side_is_sealed_otherwise() {
    let mut of = [true, false].map(|client| Sealer::new(client, [&[1; 32], &[2; 32]]));
    let sealed = [of[0].seal(23, b"a"), of[0].seal(23, b"a"), of[1].seal(23, b"a")];
    assert!(sealed.iter().all(|record| record.len() == 8 + 1 + 16));
    assert!(sealed[0] != sealed[1] && sealed[0] != sealed[2]);
    assert_eq!(key_log(&[1; 32]).split(' ').map(str::len).collect::<Vec<_>>(), [13, 64, 97]);
}
