//! TLS 1.0 to 1.3: records, handshake messages and alerts (RFC 5246, RFC 8446) to typed facts.

pub mod alert;
pub mod certificates;
pub mod hello;
pub mod message;
mod octets;
pub mod record;
pub mod suite;

pub use alert::Alert;
pub use certificates::{CertificateRequest, certificates};
pub use hello::{ClientHello, ServerHello};
pub use message::{HandshakeType, Messages};
pub use octets::Octets;
pub use record::{ContentType, Record, probe};
pub use suite::{Cipher, Digest, Suite};

use serde::{Deserialize, Serialize};
use std::fmt;

/// A protocol version as the wire has it, `0x0303` for TLS 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u16);

impl Version {
    /// TLS 1.2 (RFC 5246).
    pub const TLS12: Version = Version(0x0303);
    /// TLS 1.3 (RFC 8446).
    pub const TLS13: Version = Version(0x0304);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "0x{other:04x}"),
        }
    }
}

/// Values that mean nothing and are ignored (GREASE, RFC 8701).
pub fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grease_is_told_from_values() {
        assert!((0..16).all(|n| is_grease(n << 12 | 0x0a00 | n << 4 | 0x0a)));
        assert!(![0x0a0b, 0x0a1a, 0xc030, 0x1301, 0].into_iter().any(is_grease));
    }
}
