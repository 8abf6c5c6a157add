//! The seal around a saved state: what it is, of which version, and a hash, so that nothing reads on in bytes that were damaged.

use crate::error::Error;
use crate::hash;

/// What every saved state begins with.
const MAGIC: &[u8; 16] = b"callpath.state/1";
/// The layout of a state may change with any version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Magic, hash of all that follows, version with its length, body.
pub fn seal(body: &[u8]) -> Vec<u8> {
    let version = [&[VERSION.len() as u8], VERSION.as_bytes()].concat();
    [MAGIC, &hash_of(&version, body)[..], &version, body].concat()
}

/// The body of a sealed state. Fails with [`Error::State`] on anything else, on damage, and on a state of another version.
pub fn open(sealed: &[u8]) -> Result<&[u8], Error> {
    let rest = sealed.strip_prefix(MAGIC).ok_or_else(|| error("it does not begin as a state does: another file, or damaged"))?;
    let (known, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
    let version_len = 1 + usize::from(*rest.first().ok_or_else(damaged)?);
    let (version, body) = rest.split_at_checked(version_len).ok_or_else(damaged)?;
    if hash_of(version, body) != *known {
        return Err(damaged());
    }
    match version.get(1..) {
        Some(version) if version == VERSION.as_bytes() => Ok(body),
        version => {
            let other = version.unwrap_or_default().escape_ascii();
            Err(Error::State(format!("it was saved by callpath {other}, this is {VERSION}: start over from the captures")))
        }
    }
}

fn hash_of(version: &[u8], body: &[u8]) -> [u8; 8] {
    hash::stable(&[version, body]).to_le_bytes()
}

fn damaged() -> Error {
    error("it is damaged: start over from the captures")
}

fn error(text: &str) -> Error {
    Error::State(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sealed: &[u8]) -> String {
        open(sealed).unwrap_err().to_string()
    }

    #[test]
    fn what_was_sealed_opens() {
        assert_eq!(open(&seal(b"body")).unwrap(), b"body");
        assert_eq!(open(&seal(b"")).unwrap(), b"");
    }

    #[test]
    fn any_cut_or_flipped_bit_is_damage() {
        let sealed = seal(b"a body of some bytes");
        assert!((0..sealed.len()).all(|len| refusal(&sealed[..len]).contains("damaged")));
        for at in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(refusal(&flipped).contains("damaged"), "bit {at}");
        }
    }

    #[test]
    fn a_state_of_another_version_is_told_apart_from_damage() {
        let version = b"\x050.0.9";
        let sealed = [MAGIC, &hash_of(version, b"body")[..], version, b"body"].concat();
        assert!(refusal(&sealed).ends_with(&format!("it was saved by callpath 0.0.9, this is {VERSION}: start over from the captures")));
    }
}
