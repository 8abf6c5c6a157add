//! ClientHello and ServerHello with the extensions that matter here.

use super::{Octets, Version, is_grease};
use serde::{Deserialize, Serialize};

/// Extensions (IANA registry of TLS extension types).
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const ENCRYPT_THEN_MAC: u16 = 22;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// Values of a list that are kept; a list of more is no client's.
const MOST: usize = 256;

/// The random of a ServerHello that asks for another ClientHello (RFC 8446 section 4.1.3).
const HELLO_RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a client offers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClientHello {
    /// What key logs know the connection by.
    pub random: [u8; 32],
    /// Session that it would resume; empty for none.
    pub session_id: Vec<u8>,
    /// Versions, highest first; GREASE left out.
    pub versions: Vec<Version>,
    /// Suites in its order; GREASE left out.
    pub suites: Vec<u16>,
    /// Name of the server that it asks for (RFC 6066); not always a name.
    pub server_name: Option<String>,
    /// Application protocols (RFC 7301) in its order; bytes that are no text are escaped.
    pub alpn: Vec<String>,
    /// It brings a ticket (RFC 5077) or a pre-shared key of a session before.
    pub resumes: bool,
    /// It sends data with its first flight (RFC 8446 section 4.2.10), which is not decrypted.
    pub early_data: bool,
}

/// What a server chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHello {
    /// Its random.
    pub random: [u8; 32],
    /// Its session; that of the ClientHello where it resumes that.
    pub session_id: Vec<u8>,
    /// The version.
    pub version: Version,
    /// The suite.
    pub suite: u16,
    /// The application protocol, where it is told in clear.
    pub alpn: Option<String>,
    /// Both derive the extended master secret (RFC 7627).
    pub extended_master_secret: bool,
    /// Both encrypt before they authenticate (RFC 7366).
    pub encrypt_then_mac: bool,
    /// It goes on with a pre-shared key: no certificates follow.
    pub pre_shared_key: bool,
    /// It asks for another ClientHello.
    pub is_retry: bool,
}

impl ClientHello {
    /// Reads the body of the message. Extensions are read as far as they go.
    pub fn read(body: &[u8]) -> Option<ClientHello> {
        let mut octets = Octets(body);
        let legacy = Version(octets.u16()?);
        let random = octets.array()?;
        let session_id = octets.vector8()?.0.to_vec();
        let suites = octets.vector16()?.u16s().filter(|suite| !is_grease(*suite)).take(MOST).collect();
        octets.vector8()?;
        let mut hello = ClientHello { random, session_id, versions: vec![legacy], suites, ..ClientHello::default() };
        for (kind, mut body) in extensions(octets) {
            match kind {
                SERVER_NAME => hello.server_name = server_name(body),
                ALPN => hello.alpn = protocols(body),
                SUPPORTED_VERSIONS => {
                    let offered = body.vector8().map(|list| list.u16s().filter(|version| !is_grease(*version)).take(MOST));
                    hello.versions = offered.into_iter().flatten().map(Version).collect();
                    hello.versions.sort_unstable_by(|a, b| b.cmp(a));
                }
                SESSION_TICKET => hello.resumes |= !body.is_empty(),
                PRE_SHARED_KEY => hello.resumes = true,
                EARLY_DATA => hello.early_data = true,
                _ => {}
            }
        }
        Some(hello)
    }
}

impl ServerHello {
    /// Reads the body of the message.
    pub fn read(body: &[u8]) -> Option<ServerHello> {
        let mut octets = Octets(body);
        let legacy = Version(octets.u16()?);
        let random = octets.array()?;
        let session_id = octets.vector8()?.0.to_vec();
        let suite = octets.u16()?;
        octets.u8()?;
        let mut hello = ServerHello {
            random,
            session_id,
            version: legacy,
            suite,
            alpn: None,
            extended_master_secret: false,
            encrypt_then_mac: false,
            pre_shared_key: false,
            is_retry: random == HELLO_RETRY,
        };
        for (kind, mut body) in extensions(octets) {
            match kind {
                ALPN => hello.alpn = protocols(body).into_iter().next(),
                SUPPORTED_VERSIONS => hello.version = body.u16().map_or(hello.version, Version),
                EXTENDED_MASTER_SECRET => hello.extended_master_secret = true,
                ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
                PRE_SHARED_KEY => hello.pre_shared_key = true,
                _ => {}
            }
        }
        Some(hello)
    }
}

/// The application protocol in EncryptedExtensions (RFC 8446 section 4.3.1).
pub fn chosen_protocol(body: &[u8]) -> Option<String> {
    extensions(Octets(body)).find(|(kind, _)| *kind == ALPN).and_then(|(_, body)| protocols(body).into_iter().next())
}

/// The extensions that `octets` hold as a vector; none where there is no vector.
pub fn extensions(mut octets: Octets<'_>) -> impl Iterator<Item = (u16, Octets<'_>)> {
    let mut list = octets.vector16().unwrap_or(Octets(&[]));
    std::iter::from_fn(move || Some((list.u16()?, list.vector16()?)))
}

fn server_name(mut body: Octets<'_>) -> Option<String> {
    let mut list = body.vector16()?;
    // The only kind of name there is, host_name, is 0.
    (list.u8()? == 0).then(|| list.vector16().map(|name| text(name.0)))?
}

fn protocols(mut body: Octets<'_>) -> Vec<String> {
    let mut list = body.vector16().unwrap_or(Octets(&[]));
    std::iter::from_fn(move || list.vector8()).take(MOST).map(|name| text(name.0)).collect()
}

/// Bytes that should be ASCII, as text.
fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector16(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
    }

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vector16(body)].concat()
    }

    fn client(extensions: &[Vec<u8>]) -> Vec<u8> {
        [&[3, 3][..], &[7; 32], &[2, 1, 2], &vector16(&[0x1a, 0x1a, 0x13, 0x01, 0xc0, 0x30]), &[1, 0], &vector16(&extensions.concat())]
            .concat()
    }

    #[test]
    fn client_hello_says_what_it_offers() {
        let name = [&[0][..], &vector16(b"sip.pstnhub.microsoft.com")].concat();
        let hello = client(&[
            extension(SERVER_NAME, &vector16(&name)),
            extension(ALPN, &vector16(&[2, b'h', b'2', 3, 0xff, b's', b'"'])),
            extension(SUPPORTED_VERSIONS, &[6, 0x3a, 0x3a, 3, 3, 3, 4]),
            extension(SESSION_TICKET, &[]),
        ]);
        let read = ClientHello::read(&hello).unwrap();
        assert_eq!((read.random, read.session_id.as_slice()), ([7; 32], &[1, 2][..]));
        assert_eq!((read.suites.as_slice(), read.versions.as_slice()), (&[0x1301, 0xc030][..], &[Version::TLS13, Version::TLS12][..]));
        assert_eq!(read.server_name.as_deref(), Some("sip.pstnhub.microsoft.com"));
        assert_eq!(read.alpn, ["h2", "\\xffs\\\""]);
        assert!(!read.resumes && !read.early_data);
        assert!((0..35 + 2).all(|len| ClientHello::read(&hello[..len]).is_none()));
        assert!((0..hello.len()).all(|len| ClientHello::read(&hello[..len]).is_none_or(|cut| cut.random == [7; 32])));
    }

    #[test]
    fn a_client_without_extensions_offers_its_legacy_version() {
        let read = ClientHello::read(&client(&[])).unwrap();
        assert_eq!((read.versions.as_slice(), read.server_name), (&[Version::TLS12][..], None));
    }

    #[test]
    fn server_hello_says_what_was_chosen_and_whether_it_asks_again() {
        let hello = |random: &[u8; 32], extensions: &[Vec<u8>]| {
            ServerHello::read(&[&[3, 3][..], random, &[0, 0x13, 0x02, 0], &vector16(&extensions.concat())].concat()).unwrap()
        };
        let chosen = hello(&[1; 32], &[extension(SUPPORTED_VERSIONS, &[3, 4]), extension(PRE_SHARED_KEY, &[0, 0])]);
        assert_eq!((chosen.version, chosen.suite, chosen.pre_shared_key, chosen.is_retry), (Version::TLS13, 0x1302, true, false));
        let old = hello(&[1; 32], &[extension(EXTENDED_MASTER_SECRET, &[]), extension(ENCRYPT_THEN_MAC, &[])]);
        assert_eq!((old.version, old.extended_master_secret, old.encrypt_then_mac), (Version::TLS12, true, true));
        assert!(hello(&HELLO_RETRY, &[]).is_retry);
    }
}
