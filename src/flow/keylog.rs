//! Key logs: secrets of TLS connections by the client's random, as browsers, OpenSSL and SBCs write them (`SSLKEYLOGFILE`,
//! draft-ietf-tls-keylogfile), from a file or from Decryption Secrets Blocks.

use std::collections::HashMap;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes that are wiped when they are let go.
pub type Secret = Zeroizing<Vec<u8>>;

/// Longest secret there is: that of SHA-384.
const LONGEST: usize = 48;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Master secret of TLS 1.2 and before (`CLIENT_RANDOM`).
    Master,
    /// What the client encrypts its handshake with in TLS 1.3.
    ClientHandshake,
    /// What the server encrypts its handshake with.
    ServerHandshake,
    /// What the client encrypts data with at first.
    ClientTraffic,
    /// What the server encrypts data with at first.
    ServerTraffic,
}

impl Label {
    fn of(word: &str) -> Option<Option<Label>> {
        Some(match word {
            "CLIENT_RANDOM" => Some(Label::Master),
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Some(Label::ClientHandshake),
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => Some(Label::ServerHandshake),
            "CLIENT_TRAFFIC_SECRET_0" => Some(Label::ClientTraffic),
            "SERVER_TRAFFIC_SECRET_0" => Some(Label::ServerTraffic),
            // Of no use here.
            "EXPORTER_SECRET"
            | "EARLY_EXPORTER_SECRET"
            | "CLIENT_EARLY_TRAFFIC_SECRET"
            | "EARLY_EXPORTER_MASTER_SECRET"
            | "ECH_SECRET"
            | "ECH_CONFIG"
            | "RSA" => None,
            _ => return None,
        })
    }
}

/// The secrets that are known. What is printed of it has no secret.
#[derive(Clone, Default)]
pub struct KeyLog {
    secrets: HashMap<([u8; 32], Label), Secret>,
    /// Lines that are no key log's.
    pub bad_lines: u64,
    /// Rises with every secret that was not known before.
    pub version: u64,
    /// More may come: an input is a pipe.
    pub awaited: bool,
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLog").field("secrets", &self.secrets.len()).field("bad_lines", &self.bad_lines).finish_non_exhaustive()
    }
}

impl KeyLog {
    /// Takes in lines; comments and empty ones are passed over, a last line without an end counts only if it is whole.
    pub fn read(&mut self, text: &[u8]) {
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            // A lossy copy of a line would be one more place to wipe.
            if std::str::from_utf8(line).ok().and_then(|line| self.line(line)).is_none() {
                self.bad_lines += 1;
            }
        }
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_ascii_whitespace();
        let Some(label) = Label::of(words.next()?)? else { return Some(()) };
        let random = <[u8; 32]>::try_from(hex(words.next()?)?.as_slice()).ok()?;
        let secret = hex(words.next()?).filter(|secret| (32..=LONGEST).contains(&secret.len()) && words.next().is_none())?;
        if self.secrets.insert((random, label), secret).is_none() {
            self.version += 1;
        }
        Some(())
    }

    /// The secret of the connection whose client sent `random`.
    pub fn get(&self, random: &[u8; 32], label: Label) -> Option<&Secret> {
        self.secrets.get(&(*random, label))
    }

    /// Secrets known.
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// None is known.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }
}

fn hex(text: &str) -> Option<Secret> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 2 * LONGEST {
        return None;
    }
    let digit = |byte: &u8| (*byte as char).to_digit(16);
    let octet = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    for pair in digits.chunks_exact(2) {
        bytes.push(octet(pair)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_what_is_none_is_counted() {
        let random = "0b".repeat(32);
        let text = format!(
            "# comment\r\n\nCLIENT_RANDOM {random} {}\r\nSERVER_TRAFFIC_SECRET_0 {random} {}\nEXPORTER_SECRET {random} 00\n\
             CLIENT_RANDOM {random} 0\nCLIENT_RANDOM {random}\nnonsense\nCLIENT_RANDOM zz{} {}\nCLIENT_RANDOM {random} {}",
            "0C".repeat(48),
            "0d".repeat(32),
            &random[2..],
            "0c".repeat(48),
            "0c".repeat(49),
        );
        let mut log = KeyLog::default();
        log.read(text.as_bytes());
        assert_eq!((log.len(), log.bad_lines, log.version), (2, 5, 2));
        assert_eq!(log.get(&[0x0b; 32], Label::Master).map(|secret| secret.as_slice()), Some(&[0x0c; 48][..]));
        assert_eq!(log.get(&[0x0b; 32], Label::ServerTraffic).map(|secret| secret.len()), Some(32));
        assert!(log.get(&[0x0c; 32], Label::Master).is_none() && log.get(&[0x0b; 32], Label::ClientTraffic).is_none());
        assert!(!format!("{log:?}").contains("0c0c"), "nothing secret is printed");
    }
}
