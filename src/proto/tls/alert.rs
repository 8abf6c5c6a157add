//! Alerts (RFC 8446 section 6 and the IANA registry of TLS alerts).

use serde::{Deserialize, Serialize};

/// An alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alert {
    /// It ends the connection. TLS 1.3 means so whatever the level says, except for `close_notify` and `user_canceled`.
    pub fatal: bool,
    /// Its number.
    pub description: u8,
}

impl Alert {
    /// The connection ends as it should.
    pub const CLOSE_NOTIFY: u8 = 0;

    /// The alert of a record.
    pub fn read(body: &[u8]) -> Option<Alert> {
        let &[level, description] = body else { return None };
        (1..=2).contains(&level).then_some(Alert { fatal: level == 2, description })
    }

    /// It ends a connection for a fault.
    pub fn is_fault(self) -> bool {
        !matches!(self.description, Self::CLOSE_NOTIFY | 90 | 100)
    }

    /// Its name in the registry; `alert` where it has none.
    pub fn name(self) -> &'static str {
        match self.description {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            121 => "ech_required",
            _ => "alert",
        }
    }

    /// What its sender says with it, for those that end a handshake.
    pub fn meaning(self) -> &'static str {
        match self.description {
            0 => "it closes the connection",
            40 => "no version, suite or parameter suits both sides",
            42 => "the certificate of the other side is damaged, or its signature is wrong",
            43 => "the certificate of the other side is of a kind that it does not take, as one without the usage it wants",
            44 => "the certificate of the other side was revoked",
            45 => "the certificate of the other side has expired or is not valid yet",
            46 => "it did not accept the certificate of the other side, and does not say why",
            48 => "it does not know the authority that issued the other side's certificate, or misses an intermediate one",
            49 => "the certificate is valid, but its owner may not connect",
            51 => "a signature or the Finished message could not be verified",
            70 => "it does not speak the version that the other side offers",
            71 => "it wants stronger suites than the other side offers",
            112 => "it does not serve the name that the client asked for",
            116 => "it wants a certificate of the client, and none came",
            120 => "it speaks none of the application protocols that the client offers",
            _ => "see its name",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_octets_with_a_known_level_are_an_alert() {
        let alert = Alert::read(&[2, 48]).unwrap();
        assert!(alert.fatal && alert.is_fault());
        assert_eq!(alert.name(), "unknown_ca");
        assert!(!Alert::read(&[1, 0]).unwrap().is_fault());
        assert!([&[3, 48][..], &[2], &[2, 48, 0], &[]].into_iter().all(|body| Alert::read(body).is_none()));
    }
}
