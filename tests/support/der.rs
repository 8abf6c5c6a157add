//! Certificates of a ladder: DER (X.690) as a reader of certificates needs it. Nothing is signed, since nobody verifies.

use super::token::pair;

/// A certificate as a ladder says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// `cn=`: common name of the owner.
    pub common: String,
    /// `issuer=`: common name of who issued it.
    pub issuer: Option<String>,
    /// `san=a,b`: DNS names; the common name when not given, none for `-`.
    pub names: Option<Vec<String>>,
    /// `from=` and `to=`: the first day, and the day at whose beginning it expires.
    pub days: [String; 2],
    /// `eku=server,client,any`; no such extension for `-`.
    pub usage: Option<Vec<String>>,
    /// `key=rsa2048`, `key=ec256`
    pub key: String,
}

impl Default for Certificate {
    fn default() -> Self {
        Self {
            common: String::new(),
            issuer: None,
            names: None,
            days: ["2025-10-01".to_owned(), "2026-10-01".to_owned()],
            usage: Some(vec!["server".to_owned(), "client".to_owned()]),
            key: "rsa2048".to_owned(),
        }
    }
}

impl Certificate {
    /// Reads the words of one certificate.
    pub fn read(words: &[String]) -> Result<Certificate, String> {
        let mut certificate = Certificate::default();
        for word in words {
            let (key, value) = pair(word).ok_or_else(|| format!("'{word}' is no key=value"))?;
            let list = || (value != "-").then(|| value.split(',').map(str::to_owned).collect::<Vec<_>>());
            match key {
                "cn" => value.clone_into(&mut certificate.common),
                "issuer" => certificate.issuer = Some(value.to_owned()),
                "san" => certificate.names = Some(list().unwrap_or_default()),
                "from" => value.clone_into(&mut certificate.days[0]),
                "to" => value.clone_into(&mut certificate.days[1]),
                "eku" => certificate.usage = list(),
                "key" => value.clone_into(&mut certificate.key),
                _ => return Err(format!("'{key}' is no fact of a certificate")),
            }
        }
        Ok(certificate)
    }

    /// Its bytes.
    pub fn der(&self) -> Result<Vec<u8>, String> {
        let names = self.names.clone().unwrap_or_else(|| vec![self.common.clone()]);
        let mut extensions = Vec::new();
        if !names.is_empty() {
            let names: Vec<Vec<u8>> = names.iter().map(|name| tlv(0x82, &[name.as_bytes()])).collect();
            extensions.push(extension("2.5.29.17", &names));
        }
        if let Some(usage) = &self.usage {
            let purpose = |word: &String| match word.as_str() {
                "server" => Ok(oid("1.3.6.1.5.5.7.3.1")),
                "client" => Ok(oid("1.3.6.1.5.5.7.3.2")),
                "any" => Ok(oid("2.5.29.37.0")),
                other => Err(format!("'{other}' is no usage: write server, client or any")),
            };
            extensions.push(extension("2.5.29.37", &usage.iter().map(purpose).collect::<Result<Vec<_>, _>>()?));
        }
        let algorithm = seq(&[&oid("1.2.840.113549.1.1.11"), &[5, 0]]);
        let [from, to] = self.days.each_ref().map(|day| tlv(0x17, &[day.replace('-', "").get(2..).unwrap_or("").as_bytes(), b"000000Z"]));
        let body = seq(&[
            &tlv(0xa0, &[&[2, 1, 2]]),
            &[2, 1, 7],
            &algorithm,
            &name(self.issuer.as_deref().unwrap_or(&self.common)),
            &seq(&[&from, &to]),
            &name(&self.common),
            &public_key(&self.key)?,
            &tlv(0xa3, &[&seq(&extensions.iter().map(Vec::as_slice).collect::<Vec<_>>())]),
        ]);
        Ok(seq(&[&body, &algorithm, &tlv(3, &[&[0; 33]])]))
    }
}

fn public_key(key: &str) -> Result<Vec<u8>, String> {
    let bits = |digits: &str| digits.parse::<usize>().map_err(|_| format!("'{key}' is no key: write rsa2048 or ec256"));
    if let Some(digits) = key.strip_prefix("rsa") {
        let modulus = vec![0xc3; bits(digits)? / 8];
        let numbers = seq(&[&tlv(2, &[&[0], &modulus]), &[2, 3, 1, 0, 1]]);
        return Ok(seq(&[&seq(&[&oid("1.2.840.113549.1.1.1"), &[5, 0]]), &tlv(3, &[&[0], &numbers])]));
    }
    let point = vec![0x5a; bits(key.strip_prefix("ec").unwrap_or(key))? / 4];
    let curve = seq(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]);
    Ok(seq(&[&curve, &tlv(3, &[&[0, 4], &point])]))
}

fn name(common: &str) -> Vec<u8> {
    seq(&[&tlv(0x31, &[&seq(&[&oid("2.5.4.3"), &tlv(0x0c, &[common.as_bytes()])])])])
}

fn extension(id: &str, values: &[Vec<u8>]) -> Vec<u8> {
    let list = seq(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
    seq(&[&oid(id), &tlv(4, &[&list])])
}

fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).expect("a ladder's certificate is small").to_be_bytes();
    let head: &[u8] = match content.len() {
        0..0x80 => &length[1..],
        _ => &[&[0x82], &length[..]].concat(),
    };
    [&[tag], head, &content].concat()
}

fn oid(text: &str) -> Vec<u8> {
    let arcs: Vec<u32> = text.split('.').map(|arc| arc.parse().expect("arcs are numbers")).collect();
    let mut bytes = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let septets: Vec<u8> = (0..5).rev().map(|n| (arc >> (7 * n) & 0x7f) as u8).skip_while(|septet| *septet == 0).collect();
        let last = septets.len().saturating_sub(1);
        bytes.extend(septets.iter().enumerate().map(|(n, septet)| if n < last { septet | 0x80 } else { *septet }));
        if septets.is_empty() {
            bytes.push(0);
        }
    }
    tlv(6, &[&bytes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use callpath::proto::x509::{Certificate as Read, Key};

    fn read(text: &str) -> Read {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        Read::read(&Certificate::read(&words).unwrap().der().unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let one = read(
            "cn=sbc1.contoso.com issuer=Authority san=sbc1.contoso.com,*.contoso.net from=2026-01-01 to=2026-04-01 eku=server key=rsa1024",
        );
        assert_eq!((one.subject.as_str(), one.issuer_name.as_deref()), ("CN=sbc1.contoso.com", Some("Authority")));
        assert_eq!((one.names, one.key), (vec!["sbc1.contoso.com".to_owned(), "*.contoso.net".to_owned()], Key::Rsa(1024)));
        assert_eq!((one.not_before, one.not_after), (1_767_225_600, 1_775_001_600));
        assert!(one.usage.is_some_and(|usage| usage.server && !usage.client && !usage.any));
        let other = read("cn=a san=- eku=- key=ec256");
        assert!(other.is_self_issued() && other.names.is_empty() && other.usage.is_none());
        assert_eq!(other.key, Key::Ec(256));
        assert!(read("cn=a eku=any").usage.is_some_and(|usage| usage.any));
    }

    #[test]
    fn what_no_certificate_has_is_refused() {
        let der = |word: &str| Certificate::read(&[word.to_owned()]).and_then(|certificate| certificate.der());
        assert!(der("colour=red").is_err() && der("cn").is_err() && der("key=dsa").is_err() && der("eku=code").is_err());
    }
}
