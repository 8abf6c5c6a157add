//! What the two ends of a connection between an SBC and Microsoft showed.

use crate::decode::Dir;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::{
    Connection,
    tls::{At, Chain, Handshake, Keys},
};
use crate::proto::{tls::Version, x509::Certificate};
use crate::time::Timestamp;
pub use crate::trunk::Parties;

/// Why a rule that needs a handshake says nothing.
pub const NO_HANDSHAKE: &str = "no TLS handshake in the capture";

impl<'c> Parties<'c> {
    /// What the handshake showed. Without a hello of either side nothing is known of it.
    pub fn handshake(&self) -> Result<&'c Handshake, Outcome> {
        let seen = |handshake: &&Handshake| handshake.offered.is_some() || handshake.chosen.is_some();
        self.connection.tls.as_deref().filter(seen).ok_or_else(|| Outcome::NotChecked(NO_HANDSHAKE.to_owned()))
    }

    /// Which way the client of TLS sends.
    pub fn client(&self) -> Dir {
        self.connection.tls.as_ref().and_then(|handshake| handshake.client).unwrap_or(self.connection.opener)
    }

    /// The SBC is the client of TLS.
    pub fn sbc_is_client(&self) -> bool {
        self.client() == self.from_sbc
    }

    /// Who sends this way, as findings name it.
    pub fn name(&self, dir: Dir) -> String {
        if dir == self.from_sbc { format!("the SBC {}", self.sbc.ip()) } else { format!("Microsoft's {}", self.microsoft.ip()) }
    }

    /// The certificates that went `dir`, the first of them the sender's own; else why they cannot be judged.
    pub fn chain(&self, dir: Dir) -> Result<Presented<'c>, Outcome> {
        chain(self.connection, dir).map_err(|why| Outcome::NotChecked(why.to_owned()))
    }

    /// A violation on this connection by the SBC.
    pub fn by_sbc(&self, severity: Severity, value: String, message: String, evidence: Vec<Evidence>) -> Violation {
        Violation { severity, subject: self.sbc.ip().to_string(), value, message, evidence }
    }
}

/// Certificates that can be judged.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'c> {
    /// All of them.
    pub chain: &'c At<Chain>,
    /// The sender's own.
    pub leaf: &'c Certificate,
}

impl Presented<'_> {
    /// Where they were seen, with what is said of one of them.
    pub fn evidence(&self, certificate: &Certificate, says: &str) -> Evidence {
        Evidence::new(&self.chain.seen, format!("Certificate: {}, issued by {}, {says}", certificate.subject, certificate.issuer))
    }
}

/// The certificates that went `dir` on a connection; else why they cannot be judged.
pub fn chain(connection: &Connection, dir: Dir) -> Result<Presented<'_>, &'static str> {
    let handshake = connection.tls.as_deref().filter(|handshake| handshake.offered.is_some() || handshake.chosen.is_some());
    let handshake = handshake.ok_or(NO_HANDSHAKE)?;
    let Some(chain) = handshake.chain(dir) else {
        let is_13 = handshake.version().is_some_and(|version| version >= Version::TLS13);
        return Err(match handshake.client {
            _ if handshake.is_resumed() => "the session was resumed, which shows no certificate",
            _ if is_13 && handshake.keys != Keys::Right => "TLS 1.3 encrypts certificates, and no key was given",
            Some(client) if client == dir && handshake.requested.is_none() && handshake.is_complete() => {
                "the client was asked for no certificate"
            }
            _ => "the handshake ends before the certificate, or that part of it is missing",
        });
    };
    match chain.what.certificates.first() {
        Some(leaf) if chain.what.unreadable == 0 => Ok(Presented { chain, leaf }),
        None if chain.what.unreadable == 0 => Err("no certificate was presented"),
        _ => Err("a certificate of the chain cannot be read"),
    }
}

/// What a certificate is called in findings: its common name, else the first other name, else its subject.
pub fn called(certificate: &Certificate) -> &str {
    certificate.common_name.as_deref().or(certificate.names.first().map(String::as_str)).unwrap_or(&certificate.subject)
}

/// The capture's clock in seconds since 1970, as certificates count.
pub fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000_000)
}

/// The day of a moment in seconds since 1970, as `2026-01-15`.
pub fn day(seconds: i64) -> String {
    let at = Timestamp(seconds.clamp(-62_000_000_000, 9_000_000_000).saturating_mul(1_000_000_000));
    at.rfc3339().chars().take(10).collect()
}

/// So many days of seconds, in words.
pub fn in_days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// 00:00 UTC of a day counted from 1970-01-01.
pub const fn days(n: i64) -> Timestamp {
    Timestamp(n * 86_400 * 1_000_000_000)
}
