//! Certificates (RFC 5280): what rules ask of one. Nothing is verified here: a capture shows what was presented, not who would trust it.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

/// Names of a certificate that are kept.
const MOST_NAMES: usize = 256;
/// Characters of a name that are kept.
const MOST_TEXT: usize = 512;

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its owner, as RFC 4514 writes names.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The owner's common name.
    pub common_name: Option<String>,
    /// The issuer's common name.
    pub issuer_name: Option<String>,
    /// DNS names it is for (subjectAltName), in lower case.
    pub names: Vec<String>,
    /// Addresses it is for.
    pub addresses: Vec<IpAddr>,
    /// Seconds since 1970 from which it is valid; negative before.
    pub not_before: i64,
    /// Seconds since 1970 up to which it is valid.
    pub not_after: i64,
    /// What it may be used for; `None` where it says nothing, which is anything.
    pub usage: Option<Usage>,
    /// Its key.
    pub key: Key,
    /// Object identifier of the algorithm it is signed with.
    pub signature: String,
    /// It may issue others.
    pub is_authority: bool,
}

/// Extended key usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// As a TLS server.
    pub server: bool,
    /// As a TLS client.
    pub client: bool,
    /// As anything.
    pub any: bool,
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// RSA with a modulus of so many bits.
    Rsa(u32),
    /// On an elliptic curve, with so many bits.
    Ec(u32),
    /// Any other.
    Other,
}

/// How a certificate is for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// One of its names is this one.
    Name,
    /// One of its names has `*` for the first label.
    Wildcard,
    /// One of its names has `*` for a part of the first label, which later RFCs discourage.
    PartOfLabel,
    /// Only the common name is this one although it has other names (RFC 6125 would not look).
    CommonName,
    /// It has a wildcard that would be, were the number of labels another.
    OtherDepth,
    /// It is not.
    No,
}

impl Certificate {
    /// Reads DER; `None` where it is no certificate.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut names = Vec::new();
        let mut addresses = Vec::new();
        let alternative = certificate.subject_alternative_name().ok().flatten();
        for name in alternative.iter().flat_map(|extension| &extension.value.general_names).take(MOST_NAMES) {
            match name {
                GeneralName::DNSName(name) => names.push(short(name).to_ascii_lowercase()),
                GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
                _ => {}
            }
        }
        let usage = certificate.extended_key_usage().ok().flatten().map(|extension| Usage {
            server: extension.value.server_auth,
            client: extension.value.client_auth,
            any: extension.value.any,
        });
        let key = match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(rsa)) => Key::Rsa(u32::try_from(rsa.key_size()).unwrap_or(u32::MAX)),
            Ok(PublicKey::EC(point)) => Key::Ec(u32::try_from(point.key_size()).unwrap_or(u32::MAX)),
            _ => Key::Other,
        };
        let named = |name: &x509_parser::x509::X509Name<'_>| {
            name.iter_common_name().next().and_then(|attribute| attribute.as_str().ok()).map(short)
        };
        Some(Certificate {
            subject: short(&certificate.subject().to_string()),
            issuer: short(&certificate.issuer().to_string()),
            common_name: named(certificate.subject()),
            issuer_name: named(certificate.issuer()),
            names,
            addresses,
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            usage,
            key,
            signature: certificate.signature_algorithm.algorithm.to_id_string(),
            is_authority: certificate.is_ca(),
        })
    }

    /// Its issuer is its owner.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is for the host `name` (RFC 2818 section 3.1, which the service cites).
    pub fn covers(&self, name: &str) -> Covers {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let common = self.common_name.as_deref().map(str::to_ascii_lowercase);
        let of = |candidate: &str| covers(candidate.trim_end_matches('.'), &name);
        let best = self.names.iter().map(|candidate| of(candidate)).min_by_key(|found| found.rank()).unwrap_or(Covers::No);
        match (best, common.as_deref().map(of)) {
            (Covers::No | Covers::OtherDepth, Some(Covers::Name | Covers::Wildcard | Covers::PartOfLabel)) => Covers::CommonName,
            (Covers::No, Some(Covers::OtherDepth)) => Covers::OtherDepth,
            (best, _) => best,
        }
    }
}

impl Covers {
    /// Place among them, the best first.
    pub fn rank(self) -> u8 {
        match self {
            Covers::Name => 0,
            Covers::Wildcard => 1,
            Covers::PartOfLabel => 2,
            Covers::CommonName => 3,
            Covers::OtherDepth => 4,
            Covers::No => 5,
        }
    }

    /// It is for the name, one way or another.
    pub fn is_match(self) -> bool {
        self.rank() <= Covers::CommonName.rank()
    }
}

fn covers(candidate: &str, name: &str) -> Covers {
    if candidate == name {
        return Covers::Name;
    }
    let Some((first, domain)) = candidate.split_once('.') else { return Covers::No };
    let Some((before, after)) = first.split_once('*').filter(|_| !domain.contains('*') && !domain.is_empty()) else { return Covers::No };
    let whole = first == "*";
    match name.split_once('.') {
        Some((label, rest)) if rest == domain => {
            let fits = label.len() >= before.len() + after.len() && label.starts_with(before) && label.ends_with(after);
            match (whole, fits && !label.is_empty()) {
                (true, true) => Covers::Wildcard,
                (false, true) => Covers::PartOfLabel,
                _ => Covers::No,
            }
        }
        _ if whole && (name == domain || name.strip_suffix(domain).is_some_and(|front| front.ends_with('.'))) => Covers::OtherDepth,
        _ => Covers::No,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn short(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: &[&str], common: Option<&str>) -> Certificate {
        Certificate {
            subject: String::new(),
            issuer: String::new(),
            common_name: common.map(str::to_owned),
            issuer_name: None,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            addresses: Vec::new(),
            not_before: 0,
            not_after: 0,
            usage: None,
            key: Key::Other,
            signature: String::new(),
            is_authority: false,
        }
    }

    #[test]
    fn wildcard_stands_for_one_label() {
        let one = certificate(&["*.contoso.com"], None);
        for (name, covers) in [
            ("sbc.contoso.com", Covers::Wildcard),
            ("SBC.Contoso.com.", Covers::Wildcard),
            ("sbc.test.contoso.com", Covers::OtherDepth),
            ("contoso.com", Covers::OtherDepth),
            ("sbc.notcontoso.com", Covers::No),
            ("xcontoso.com", Covers::No),
        ] {
            assert_eq!(one.covers(name), covers, "{name}");
        }
        assert_eq!(certificate(&["f*.com"], None).covers("foo.com"), Covers::PartOfLabel);
        assert_eq!(certificate(&["f*.com"], None).covers("bar.com"), Covers::No);
        assert_eq!(certificate(&["sbc.*.com"], None).covers("sbc.contoso.com"), Covers::No);
    }

    #[test]
    fn a_name_goes_before_a_wildcard_and_both_before_the_common_name() {
        let both = certificate(&["*.test.contoso.com", "sbc.contoso.com"], Some("other.contoso.com"));
        assert_eq!(both.covers("sbc.contoso.com"), Covers::Name);
        assert_eq!(both.covers("other.contoso.com"), Covers::CommonName);
        assert_eq!(certificate(&[], Some("sbc.contoso.com")).covers("sbc.contoso.com"), Covers::CommonName);
        assert!(!certificate(&[], None).covers("sbc.contoso.com").is_match());
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for der in [&[][..], &[0x30], &[0x30, 0x82, 0xff, 0xff, 0], &[0xff; 64], b"-----BEGIN CERTIFICATE-----"] {
            assert_eq!(Certificate::read(der), None);
        }
    }
}
