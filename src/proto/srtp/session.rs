//! The keys of a session at work on one packet: SRTCP opened (RFC 3711 section 3.4, RFC 7714 section 9), the tag of SRTP checked
//! (sections 4.2 and 8). Nobody is answered, so nothing can be learned from how long a tag takes to compare.

use super::derive::{Aes, BLOCK, Label, derive};
use super::{Master, Secret, Suite, gcm};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::fmt;
use zeroize::Zeroizing;

/// Octets of the key that HMAC-SHA1 has here (RFC 3711 section 5.2).
const AUTH: usize = 20;
/// Octets of SRTCP that stay in clear.
const CLEAR: usize = 8;
/// Octets of the index of SRTCP, with the bit that says whether it is encrypted.
const INDEX: usize = 4;
/// That bit.
const ENCRYPTED: u32 = 1 << 31;

/// The keys that one master key gives.
pub struct Session {
    suite: Suite,
    no_rtp_tag: bool,
    mki: Vec<u8>,
    rtp: Seal,
    rtcp: Seal,
}

/// Keys of one protocol.
struct Seal {
    aes: Aes,
    salt: Secret,
    auth: Secret,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Session {
    /// Derives the keys of a master key.
    pub fn new(master: &Master) -> Option<Session> {
        let suite = master.suite;
        let seal = |key: Label, salt: Label, auth: Label| {
            let aes = Aes::new(&derive(master, key, suite.key_len())?)?;
            Some(Seal { aes, salt: derive(master, salt, suite.salt_len())?, auth: derive(master, auth, AUTH)? })
        };
        Some(Session {
            suite,
            no_rtp_tag: master.no_rtp_tag,
            mki: master.mki().to_vec(),
            rtp: seal(Label::RtpKey, Label::RtpSalt, Label::RtpAuth)?,
            rtcp: seal(Label::RtcpKey, Label::RtcpSalt, Label::RtcpAuth)?,
        })
    }

    /// Its suite.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// SRTP packets have tags.
    pub fn has_rtp_tag(&self) -> bool {
        !self.no_rtp_tag
    }

    /// Whether an SRTP packet whose header has `head` octets was sealed with these keys after `roll_over` turns of its sequence number.
    pub fn authenticates(&self, packet: &[u8], head: usize, roll_over: u32) -> bool {
        self.has_rtp_tag() && self.authentic(packet, head, roll_over).is_some()
    }

    fn authentic(&self, packet: &[u8], head: usize, roll_over: u32) -> Option<()> {
        let turn = roll_over.to_be_bytes();
        if !self.suite.is_gcm() {
            let (rest, tag) = packet.split_at_checked(packet.len().checked_sub(self.suite.rtp_tag())?)?;
            let sealed = self.without_mki(rest)?;
            return (sealed.len() >= head && self.rtp.has_tag(&[sealed, &turn], tag)).then_some(());
        }
        let (sealed, tag) = split_tag(self.without_mki(packet)?)?;
        let (header, text) = sealed.split_at_checked(head)?;
        let (sequence, ssrc) = (packet.get(2..4)?, packet.get(8..12)?);
        let nonce = self.rtp.nonce(&[&[0, 0], ssrc, &turn, sequence])?;
        (gcm::tag(&self.rtp.aes, &nonce, header, text) == *tag).then_some(())
    }

    /// The RTCP in an SRTCP packet; `None` where it was not sealed with these keys.
    pub fn open_rtcp(&self, packet: &[u8]) -> Option<Vec<u8>> {
        if self.suite.is_gcm() { self.open_gcm(packet) } else { self.open_cm(packet) }
    }

    fn open_cm(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let (rest, tag) = packet.split_at_checked(packet.len().checked_sub(self.suite.rtcp_tag())?)?;
        let rest = self.without_mki(rest)?;
        if !self.rtcp.has_tag(&[rest], tag) {
            return None;
        }
        let (mut text, encrypted, index) = index_behind(rest)?;
        if encrypted {
            // Salt, source and index, each at its place of the counter (section 4.1.1).
            let parts = [&[0; 4][..], text.get(4..8)?, &[0; 2], &index.to_be_bytes(), &[0; 2]];
            let mut counter = Zeroizing::new([0; BLOCK]);
            counter.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
            counter.iter_mut().zip(self.rtcp.salt.iter()).for_each(|(to, salt)| *to ^= salt);
            self.rtcp.aes.count(*counter, text.get_mut(CLEAR..)?);
        }
        Some(text)
    }

    fn open_gcm(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let (mut text, encrypted, index) = index_behind(self.without_mki(packet)?)?;
        let word = if encrypted { index | ENCRYPTED } else { index }.to_be_bytes();
        let nonce = self.rtcp.nonce(&[&[0, 0], text.get(4..8)?, &[0, 0], &index.to_be_bytes()])?;
        let (sealed, tag) = split_tag(&text)?;
        let (clear, hidden) = if encrypted { sealed.split_at_checked(CLEAR)? } else { (sealed, &[][..]) };
        if gcm::tag(&self.rtcp.aes, &nonce, &[clear, &word].concat(), hidden) != *tag {
            return None;
        }
        text.truncate(text.len().checked_sub(gcm::TAG)?);
        if encrypted {
            gcm::open(&self.rtcp.aes, &nonce, text.get_mut(CLEAR..)?);
        }
        Some(text)
    }

    /// What stands before the identifier of the key; `None` where it is that of another.
    fn without_mki<'p>(&self, packet: &'p [u8]) -> Option<&'p [u8]> {
        packet.strip_suffix(&*self.mki)
    }
}

impl Seal {
    /// `tag` is the beginning of the HMAC of `parts`.
    fn has_tag(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.auth) else { return false };
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().starts_with(tag) && !tag.is_empty()
    }

    /// The salt, changed by what tells one packet from another (RFC 7714 sections 8.1 and 9.1).
    fn nonce(&self, parts: &[&[u8]]) -> Option<[u8; gcm::NONCE]> {
        let mut nonce = <[u8; gcm::NONCE]>::try_from(self.salt.as_slice()).ok()?;
        nonce.iter_mut().zip(parts.iter().copied().flatten()).for_each(|(octet, part)| *octet ^= part);
        Some(nonce)
    }
}

/// The packet before its index, whether that says it is encrypted, and the index.
fn index_behind(packet: &[u8]) -> Option<(Vec<u8>, bool, u32)> {
    let (rest, word) = packet.split_at_checked(packet.len().checked_sub(INDEX)?)?;
    let word = u32::from_be_bytes(word.try_into().ok()?);
    (rest.len() >= CLEAR).then(|| (rest.to_vec(), word & ENCRYPTED != 0, word & !ENCRYPTED))
}

fn split_tag(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    packet.split_at_checked(packet.len().checked_sub(gcm::TAG)?)
}

#[cfg(test)]
mod tests;
