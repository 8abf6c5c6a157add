//! Opening records: one direction with one set of keys. Nobody is answered, so nothing can be learned from how long a padding takes
//! to check.

use super::derive::{expand, hmac};
use crate::flow::keylog::Secret;
use crate::proto::tls::{Cipher, ContentType, Digest, Record};
use aes::{Aes128, Aes256};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use cbc::cipher::array::Array;
use cbc::cipher::{Block, BlockModeDecrypt, KeyIvInit};
use chacha20poly1305::ChaCha20Poly1305;
use std::fmt;
use zeroize::Zeroizing;

/// Octets of a tag.
const TAG: usize = 16;
/// Octets of the part of a nonce that a record of TLS 1.2 brings (RFC 5288).
const EXPLICIT: usize = 8;
/// Octets of a block of AES.
const BLOCK: usize = 16;

/// Opens the records of one direction in order.
pub struct Opener {
    sealed: Sealed,
    form: Form,
    /// Number of the next record.
    pub next: u64,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The keys.
enum Sealed {
    Gcm128(Box<Aes128Gcm>, Secret),
    Gcm256(Box<Aes256Gcm>, Secret),
    ChaCha(Box<ChaCha20Poly1305>, Secret),
    Cbc { key: Secret, mac_key: Secret, digest: Digest, encrypt_then_mac: bool },
}

/// How nonces and what is authenticated are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Tls12,
    Tls13,
}

impl Opener {
    /// For TLS 1.2, from its share of the key block; `None` where that is too short.
    pub fn tls12(cipher: Cipher, mac_key: &[u8], key: &[u8], salt: &[u8], encrypt_then_mac: bool) -> Option<Opener> {
        let sealed = match cipher {
            Cipher::Aes128Cbc(digest) | Cipher::Aes256Cbc(digest) => {
                Sealed::Cbc { key: Zeroizing::new(key.to_vec()), mac_key: Zeroizing::new(mac_key.to_vec()), digest, encrypt_then_mac }
            }
            aead => Sealed::aead(aead, key, salt)?,
        };
        Some(Opener { sealed, form: Form::Tls12, next: 0 })
    }

    /// For TLS 1.3, from a traffic secret.
    pub fn tls13(cipher: Cipher, hash: Digest, secret: &[u8]) -> Option<Opener> {
        let key = expand(hash, secret, "key", cipher.key_len());
        let salt = expand(hash, secret, "iv", 12);
        Some(Opener { sealed: Sealed::aead(cipher, &key, &salt)?, form: Form::Tls13, next: 0 })
    }

    /// The content of the next record, and what it is; `None` where it was not sealed with these keys as this record.
    pub fn open(&mut self, record: &Record<'_>) -> Option<(ContentType, Vec<u8>)> {
        let opened = self.open_as(record, self.next)?;
        self.next += 1;
        Some(opened)
    }

    /// The content of a record after some were lost, at most `most`; then the next is the one behind it. Each number is tried.
    pub fn open_after_loss(&mut self, record: &Record<'_>, most: u64) -> Option<(ContentType, Vec<u8>, u64)> {
        (0..=most).find_map(|lost| {
            let (kind, content) = self.open_as(record, self.next.checked_add(lost)?)?;
            self.next += lost + 1;
            Some((kind, content, lost))
        })
    }

    fn open_as(&self, record: &Record<'_>, number: u64) -> Option<(ContentType, Vec<u8>)> {
        match (self.form, &self.sealed) {
            (Form::Tls13, sealed) => {
                let mut content = record.body.to_vec();
                let [l0, l1] = (record.body.len() as u16).to_be_bytes();
                let [v0, v1] = record.version.to_be_bytes();
                sealed.open(&nonce(sealed.salt(), number)?, &[record.kind.number(), v0, v1, l0, l1], &mut content)?;
                // The kind stands behind the content, before padding of zeros (RFC 8446 section 5.2).
                let at = content.iter().rposition(|octet| *octet != 0)?;
                let kind = ContentType::of(*content.get(at)?)?;
                content.truncate(at);
                Some((kind, content))
            }
            (Form::Tls12, Sealed::Cbc { .. }) => Some((record.kind, self.sealed.open_cbc(record, number)?)),
            (Form::Tls12, sealed) => {
                let salt = sealed.salt();
                let (nonce, body) = match salt.len() {
                    4 => {
                        let (explicit, body) = record.body.split_at_checked(EXPLICIT)?;
                        (<[u8; 12]>::try_from([salt, explicit].concat().as_slice()).ok()?, body)
                    }
                    _ => (nonce(salt, number)?, record.body),
                };
                let mut content = body.to_vec();
                let len = content.len().checked_sub(TAG)?;
                sealed.open(&nonce, &authenticated(record, number, len), &mut content)?;
                Some((record.kind, content))
            }
        }
    }
}

impl Sealed {
    fn aead(cipher: Cipher, key: &[u8], salt: &[u8]) -> Option<Sealed> {
        let salt = Zeroizing::new(salt.to_vec());
        Some(match cipher {
            Cipher::Aes128Gcm => Sealed::Gcm128(Box::new(Aes128Gcm::new_from_slice(key).ok()?), salt),
            Cipher::Aes256Gcm => Sealed::Gcm256(Box::new(Aes256Gcm::new_from_slice(key).ok()?), salt),
            Cipher::ChaCha20Poly1305 => Sealed::ChaCha(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?), salt),
            Cipher::Aes128Cbc(_) | Cipher::Aes256Cbc(_) => return None,
        })
    }

    fn salt(&self) -> &[u8] {
        match self {
            Sealed::Gcm128(_, salt) | Sealed::Gcm256(_, salt) | Sealed::ChaCha(_, salt) => salt,
            Sealed::Cbc { .. } => &[],
        }
    }

    /// Opens in place, and takes the tag off.
    fn open(&self, nonce: &[u8; 12], authenticated: &[u8], content: &mut Vec<u8>) -> Option<()> {
        fn of<A: AeadInOut>(aead: &A, nonce: &[u8], authenticated: &[u8], content: &mut [u8], tag: &[u8]) -> Option<()> {
            let (nonce, tag) = (nonce.try_into().ok()?, tag.try_into().ok()?);
            aead.decrypt_inout_detached(nonce, authenticated, content.into(), tag).ok()
        }
        let len = content.len().checked_sub(TAG)?;
        let tag = <[u8; TAG]>::try_from(content.get(len..)?).ok()?;
        content.truncate(len);
        match self {
            Sealed::Gcm128(aead, _) => of(&**aead, nonce, authenticated, content, &tag),
            Sealed::Gcm256(aead, _) => of(&**aead, nonce, authenticated, content, &tag),
            Sealed::ChaCha(aead, _) => of(&**aead, nonce, authenticated, content, &tag),
            Sealed::Cbc { .. } => None,
        }
    }

    /// A record in CBC mode, either way round (RFC 5246 section 6.2.3.2, RFC 7366).
    fn open_cbc(&self, record: &Record<'_>, number: u64) -> Option<Vec<u8>> {
        let Sealed::Cbc { key, mac_key, digest, encrypt_then_mac } = self else { return None };
        let (sealed, outer) = match encrypt_then_mac {
            true => record.body.split_at_checked(record.body.len().checked_sub(digest.octets())?)?,
            false => (record.body, &[][..]),
        };
        if *encrypt_then_mac && *hmac(*digest, mac_key, &[&authenticated(record, number, sealed.len()), sealed]) != *outer {
            return None;
        }
        let (iv, body) = sealed.split_at_checked(BLOCK)?;
        let mut content = body.to_vec();
        match key.len() {
            16 => decrypt(cbc::Decryptor::<Aes128>::new_from_slices(key, iv).ok()?, &mut content)?,
            _ => decrypt(cbc::Decryptor::<Aes256>::new_from_slices(key, iv).ok()?, &mut content)?,
        }
        // So many octets of padding, each with that value, and the one that says so.
        let padding = *content.last()?;
        let len = content.len().checked_sub(usize::from(padding) + 1)?;
        if content.get(len..)?.iter().any(|octet| *octet != padding) {
            return None;
        }
        content.truncate(len);
        if !encrypt_then_mac {
            let len = content.len().checked_sub(digest.octets())?;
            let (text, mac) = content.split_at_checked(len)?;
            if *hmac(*digest, mac_key, &[&authenticated(record, number, len), text]) != *mac {
                return None;
            }
            content.truncate(len);
        }
        Some(content)
    }
}

fn decrypt<D: BlockModeDecrypt>(mut decryptor: D, content: &mut [u8]) -> Option<()> {
    let (blocks, rest): (&mut [Block<D>], _) = Array::slice_as_chunks_mut(content);
    decryptor.decrypt_blocks(blocks);
    rest.is_empty().then_some(())
}

/// What TLS 1.2 authenticates beside the content: number, kind, version and length.
fn authenticated(record: &Record<'_>, number: u64, len: usize) -> [u8; 13] {
    let mut out = [0; 13];
    let parts = [&number.to_be_bytes()[..], &[record.kind.number()], &record.version.to_be_bytes(), &(len as u16).to_be_bytes()];
    out.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
    out
}

/// The salt, its end changed by the number (RFC 8446 section 5.3).
fn nonce(salt: &[u8], number: u64) -> Option<[u8; 12]> {
    let mut nonce = <[u8; 12]>::try_from(salt).ok()?;
    nonce.iter_mut().skip(4).zip(number.to_be_bytes()).for_each(|(octet, number)| *octet ^= number);
    Some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cbc::cipher::BlockModeEncrypt;

    fn record(kind: ContentType, body: &[u8]) -> Record<'_> {
        Record { kind, version: 0x0303, body }
    }

    /// RFC 8448 section 3: the server's first flight begins with these octets, and ends as an alert of no kind would not.
    #[test]
    fn tls13_record_has_its_kind_behind_it_and_padding_is_dropped() {
        let secret = [7; 32];
        let mut opener = Opener::tls13(Cipher::Aes128Gcm, Digest::Sha256, &secret).unwrap();
        let (key, iv) = (expand(Digest::Sha256, &secret, "key", 16), expand(Digest::Sha256, &secret, "iv", 12));
        let aead = Aes128Gcm::new_from_slice(&key).unwrap();
        let send = |number: u64, inner: &[u8]| {
            let len = (inner.len() + TAG) as u16;
            let aad = [&[23, 3, 3][..], &len.to_be_bytes()].concat();
            let nonce = nonce(&iv, number).unwrap();
            let mut sealed = inner.to_vec();
            let tag = aead.encrypt_inout_detached((&nonce).into(), &aad, sealed.as_mut_slice().into()).unwrap();
            sealed.extend_from_slice(&tag);
            sealed
        };
        let (first, second) = (send(0, b"INVITE\x17\0\0\0"), send(1, &[2, 40, 21]));
        let lost = send(4, b"BYE\x17");
        assert_eq!(opener.open(&record(ContentType::Application, &first)), Some((ContentType::Application, b"INVITE".to_vec())));
        assert_eq!(opener.open(&record(ContentType::Application, &first)), None, "not twice");
        assert_eq!(opener.open(&record(ContentType::Application, &second)), Some((ContentType::Alert, vec![2, 40])));
        let mut broken = lost.clone();
        broken[0] ^= 1;
        assert_eq!(opener.open_after_loss(&record(ContentType::Application, &broken), 9), None);
        assert_eq!(opener.open_after_loss(&record(ContentType::Application, &lost), 1), None, "further than is tried");
        let found = opener.open_after_loss(&record(ContentType::Application, &lost), 9);
        assert_eq!((found, opener.next), (Some((ContentType::Application, b"BYE".to_vec(), 2)), 5));
    }

    #[test]
    fn cbc_is_opened_either_way_round_and_no_padding_is_believed() {
        for encrypt_then_mac in [false, true] {
            let (key, mac_key, iv) = ([1; 16], [2; 20], [3; 16]);
            let open = |body: &[u8]| {
                let cipher = Cipher::Aes128Cbc(Digest::Sha1);
                let mut opener = Opener::tls12(cipher, &mac_key, &key, &[], encrypt_then_mac).unwrap();
                opener.open(&record(ContentType::Application, body)).map(|(_, content)| content)
            };
            let seal = |text: &[u8], pad: &dyn Fn(usize) -> Vec<u8>| {
                let mac = hmac(Digest::Sha1, &mac_key, &[&authenticated(&record(ContentType::Application, &[]), 0, text.len()), text]);
                let mut inner = text.to_vec();
                if !encrypt_then_mac {
                    inner.extend_from_slice(&mac);
                }
                inner.extend(pad(BLOCK - 1 - inner.len() % BLOCK));
                let (blocks, _) = Array::slice_as_chunks_mut(&mut inner);
                cbc::Encryptor::<Aes128>::new_from_slices(&key, &iv).unwrap().encrypt_blocks(blocks);
                let mut body = [&iv[..], &inner].concat();
                if encrypt_then_mac {
                    let outer = authenticated(&record(ContentType::Application, &[]), 0, body.len());
                    let mac = hmac(Digest::Sha1, &mac_key, &[&outer, &body]);
                    body.extend_from_slice(&mac);
                }
                body
            };
            let right = |n: usize| vec![n as u8; n + 1];
            for text in [&b"OPTIONS sip:a SIP/2.0\r\n"[..], b"", b"0123456789abcdef"] {
                assert_eq!(open(&seal(text, &right)), Some(text.to_vec()));
            }
            let sealed = seal(b"BYE", &right);
            assert!((0..sealed.len()).all(|at| {
                let mut broken = sealed.clone();
                broken[at] ^= 0x40;
                open(&broken).is_none() && open(&sealed[..at]).is_none()
            }));
            assert_eq!(open(&seal(b"BYE", &|n| vec![255; n + 1])), None);
        }
    }
}
