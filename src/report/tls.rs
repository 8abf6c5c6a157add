//! Entries on TLS connections: what their handshakes showed. No secrets.

use super::Text;
use crate::record::RecordId;
use serde::{Deserialize, Serialize};

/// One TLS connection of a hop.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TlsEntry<'a> {
    /// Who opened the TCP connection, `ip:port`; `null` where its SYN was not seen.
    pub opened_by: Option<Text<'a>>,
    /// Round-trip time of the TCP handshake in milliseconds, from end to end; `null` where no tap saw all of it, or a SYN was repeated.
    pub rtt_ms: Option<f64>,
    /// The client of TLS, `ip:port`; `null` where no hello was seen.
    pub client: Option<Text<'a>>,
    /// The other end.
    pub server: Option<Text<'a>>,
    /// `TLS 1.2`; `null` where no ServerHello was seen.
    pub version: Option<Text<'a>>,
    /// The suite, by its IANA name.
    pub suite: Option<Text<'a>>,
    /// The server that the client asked for.
    pub server_name: Option<Text<'a>>,
    /// The application protocol agreed on (ALPN).
    pub protocol: Option<Text<'a>>,
    /// It goes on with a session before.
    pub resumed: bool,
    /// The server asked its client for a certificate.
    pub certificate_requested: bool,
    /// What the client presented; `null` where none was seen in clear or opened.
    pub client_certificate: Option<CertificateEntry<'a>>,
    /// What the server presented.
    pub server_certificate: Option<CertificateEntry<'a>>,
    /// Alerts that could be read.
    pub alerts: Vec<AlertEntry<'a>>,
    /// The handshake came to its end.
    pub complete: bool,
    /// Encrypted records that were opened.
    pub opened: u64,
    /// Encrypted records that were not.
    pub unopened: u64,
    /// Encrypted records that were lost in gaps.
    pub lost: u64,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CertificateEntry<'a> {
    /// Its owner.
    pub subject: Text<'a>,
    /// Who issued it.
    pub issuer: Text<'a>,
    /// DNS names it is for.
    pub names: Vec<Text<'a>>,
    /// Start of its validity, RFC 3339; `null` beyond the years 0 to 9999.
    pub not_before: Option<Text<'a>>,
    /// End of its validity.
    pub not_after: Option<Text<'a>>,
    /// `RSA 2048`, `EC 256`, `other`.
    pub key: Text<'a>,
    /// `server`, `client`, `any`; `null` where it names no use.
    pub usage: Option<Vec<Text<'a>>>,
    /// Certificates presented, this one included.
    pub chain: u64,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AlertEntry<'a> {
    /// Who sent it, `ip:port`.
    pub from: Text<'a>,
    /// Its name in the IANA registry.
    pub name: Text<'a>,
    /// What its sender says with it.
    pub meaning: Text<'a>,
    /// The record that held it.
    pub record: RecordId,
}

impl TlsEntry<'_> {
    /// One line on it.
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        let version = self.version.as_deref().unwrap_or("TLS, handshake not seen");
        parts.push(self.suite.as_deref().map_or_else(|| version.to_owned(), |suite| format!("{version} {suite}")));
        parts.extend(self.server_name.as_deref().map(|name| format!("for {name}")));
        parts.extend(self.resumed.then(|| "resumed".to_owned()));
        parts.extend(self.rtt_ms.map(|ms| format!("{ms:.1} ms round trip")));
        for (whose, certificate) in [("client", &self.client_certificate), ("server", &self.server_certificate)] {
            if let Some(certificate) = certificate {
                let until =
                    certificate.not_after.as_deref().and_then(|at| at.get(..10)).map_or_else(String::new, |day| format!(" until {day}"));
                let name = certificate.names.first().map_or(certificate.subject.as_str(), Text::as_str);
                parts.push(format!("{whose} certificate {name}{until}"));
            }
        }
        parts.extend(
            self.alerts.iter().filter(|alert| alert.name != "close_notify").map(|a| format!("alert {} from {}", &*a.name, &*a.from)),
        );
        parts.join(", ")
    }
}
