//! TLS of a ladder: the handshake messages that its lines name, and after `ccs` records that are sealed.
//!
//! ```text
//! keys                                                       the capture brings the key log
//! 0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls hello sni=sip.pstnhub.microsoft.com versions=1.2 suites=C02F session=1
//! 0.020  ms > sbc                                       tls chosen version=1.2 suite=C02F session=1
//! 0.021  ms > sbc                                       tls cert cn=sip.pstnhub.microsoft.com
//! 0.022  ms > sbc                                       tls request
//! 0.040  sbc > ms                                       tls cert cn=a issuer=B + cn=B issuer=C
//! 0.041  sbc > ms                                       tls ccs
//! 0.060  ms > sbc                                       tls alert 48
//! 0.070  ms > sbc                                       tls data 300
//! ```
//!
//! A certificate without an issuer comes with the one that issued it. `ccs` is ChangeCipherSpec and Finished; SIP that the same end sends
//! behind it is sealed. `data` is so many octets that nobody can read.

use super::der::Certificate;
use super::dialog::hash;
use super::seal::{SUITE, Sealer, key_log};
use super::token::{number, pair};

/// Who issued certificates that say nothing else, and the root above.
const AUTHORITY: &str = "Contoso Issuing CA";
const ROOT: &str = "DigiCert Global Root G2";

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;

/// What a line sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// ClientHello.
    Hello {
        /// `sni=`
        name: Option<String>,
        /// `versions=1.3,1.2`; 1.2 when not given.
        versions: Vec<u16>,
        /// `suites=C030,C02F`; the four documented ones when not given.
        suites: Vec<u16>,
        /// `session=`
        session: Vec<u8>,
    },
    /// ServerHello.
    Chosen {
        /// `version=`; 1.2 when not given.
        version: u16,
        /// `suite=`; C02F when not given.
        suite: u16,
        /// `session=`
        session: Vec<u8>,
    },
    /// Certificate.
    Certificates(Vec<Certificate>),
    /// CertificateRequest.
    Request,
    /// ChangeCipherSpec and Finished.
    Change,
    /// An alert.
    Alert(u8),
    /// So many encrypted octets.
    Data(usize),
}

impl Tls {
    /// Reads the words behind `tls`; none where the first is none of its own.
    pub fn read(words: &[String]) -> Result<Option<Tls>, String> {
        let Some((first, rest)) = words.split_first() else { return Ok(None) };
        let one = || rest.first().map_or("", String::as_str);
        Ok(Some(match first.as_str() {
            "hello" => hello(rest)?,
            "chosen" => chosen(rest)?,
            "cert" => Tls::Certificates(chain(rest)?),
            "request" => Tls::Request,
            "ccs" => Tls::Change,
            "alert" => Tls::Alert(number("alert", one())?),
            "data" => Tls::Data(number("data", one())?),
            _ => return Ok(None),
        }))
    }
}

fn hello(words: &[String]) -> Result<Tls, String> {
    let (mut name, mut versions, mut session) = (None, vec![0x0303], Vec::new());
    let mut suites = vec![0xc030, 0xc02f, 0xc028, 0xc027];
    for word in words {
        match pair(word) {
            Some(("sni", value)) => name = Some(value.to_owned()),
            Some(("versions", value)) => versions = value.split(',').map(version).collect::<Result<_, _>>()?,
            Some(("suites", value)) => suites = value.split(',').map(hex).collect::<Result<_, _>>()?,
            Some(("session", value)) => session = vec![number("session", value)?; 32],
            _ => return Err(format!("'{word}' is no fact of a ClientHello")),
        }
    }
    Ok(Tls::Hello { name, versions, suites, session })
}

fn chosen(words: &[String]) -> Result<Tls, String> {
    let (mut chosen, mut suite, mut session) = (0x0303, SUITE, Vec::new());
    for word in words {
        match pair(word) {
            Some(("version", value)) => chosen = version(value)?,
            Some(("suite", value)) => suite = hex(value)?,
            Some(("session", value)) => session = vec![number("session", value)?; 32],
            _ => return Err(format!("'{word}' is no fact of a ServerHello")),
        }
    }
    Ok(Tls::Chosen { version: chosen, suite, session })
}

fn chain(words: &[String]) -> Result<Vec<Certificate>, String> {
    let mut chain = words.split(|word| word == "+").map(Certificate::read).collect::<Result<Vec<_>, _>>()?;
    if let [only] = chain.as_mut_slice()
        && only.issuer.is_none()
    {
        only.issuer = Some(AUTHORITY.to_owned());
        let authority = Certificate { common: AUTHORITY.to_owned(), names: Some(Vec::new()), usage: None, ..Certificate::default() };
        let days = ["2015-01-01".to_owned(), "2035-01-01".to_owned()];
        chain.push(Certificate { issuer: Some(ROOT.to_owned()), days, ..authority });
    }
    Ok(chain)
}

fn version(text: &str) -> Result<u16, String> {
    let versions = [("1.0", 0x0301), ("1.1", 0x0302), ("1.2", 0x0303), ("1.3", 0x0304)];
    versions.iter().find(|(name, _)| *name == text).map(|(_, number)| *number).ok_or_else(|| format!("'{text}' is no version of TLS"))
}

fn hex(text: &str) -> Result<u16, String> {
    u16::from_str_radix(text, 16).map_err(|_| format!("'{text}' is no suite: write four hexadecimal digits"))
}

/// The TLS of one connection.
#[derive(Default)]
pub struct Session {
    /// Who sent the ClientHello, and its random.
    client: Option<(String, [u8; 32])>,
    server_random: [u8; 32],
    suite: u16,
    /// By who sends: records are sealed from here on.
    sealed: Vec<(String, Sealer)>,
}

impl Session {
    /// The bytes that `from` sends; `seed` parts connections.
    pub fn write(&mut self, from: &str, tls: &Tls, seed: &str) -> Result<Vec<u8>, String> {
        Ok(match tls {
            Tls::Hello { name, versions, suites, session } => {
                let random = random(&["client", from, seed]);
                self.client = Some((from.to_owned(), random));
                self.record(from, HANDSHAKE, &client_hello(random, name.as_deref(), versions, suites, session))
            }
            Tls::Chosen { version, suite, session } => {
                (self.server_random, self.suite) = (random(&["server", from, seed]), *suite);
                self.record(from, HANDSHAKE, &server_hello(self.server_random, *version, *suite, session))
            }
            Tls::Certificates(chain) => {
                let list: Vec<Vec<u8>> = chain.iter().map(|one| one.der().map(|der| vector(3, &der))).collect::<Result<_, _>>()?;
                self.record(from, HANDSHAKE, &message(11, &vector(3, &list.concat())))
            }
            Tls::Request => self.record(from, HANDSHAKE, &message(13, &[1, 1, 0, 2, 4, 1, 0, 0])),
            Tls::Change => {
                let change = self.record(from, CHANGE_CIPHER_SPEC, &[1]);
                let (client, random) = self.client.as_ref().ok_or("'ccs' without a 'hello'")?;
                self.sealed.push((from.to_owned(), Sealer::new(client == from, [random, &self.server_random])));
                [change, self.record(from, HANDSHAKE, &message(20, &[7; 12]))].concat()
            }
            Tls::Alert(number) => self.record(from, ALERT, &[2, *number]),
            Tls::Data(size) => [&[APPLICATION, 3, 3][..], &vector(2, &vec![0xdd; *size])].concat(),
        })
    }

    /// What `from` sends, sealed as data where its records are.
    pub fn carry(&mut self, from: &str, content: Vec<u8>) -> Vec<u8> {
        if self.sealed.iter().any(|(name, _)| name == from) { self.record(from, APPLICATION, &content) } else { content }
    }

    /// Its line of the key log; none where it cannot be read.
    pub fn key_log(&self) -> Option<String> {
        self.client.as_ref().filter(|_| self.suite == SUITE).map(|(_, random)| key_log(random))
    }

    fn record(&mut self, from: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let body = match self.sealed.iter_mut().find(|(name, _)| name == from) {
            Some((_, sealer)) => sealer.seal(kind, content),
            None => content.to_vec(),
        };
        [&[kind, 3, 3][..], &vector(2, &body)].concat()
    }
}

fn client_hello(random: [u8; 32], name: Option<&str>, versions: &[u16], suites: &[u16], session: &[u8]) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(name) = name {
        extensions.extend(extension(0, &vector(2, &[&[0][..], &vector(2, name.as_bytes())].concat())));
    }
    let highest = versions.iter().copied().max().unwrap_or(0x0303);
    if highest > 0x0303 {
        extensions.extend(extension(43, &vector(1, &words(versions))));
    }
    let legacy = highest.min(0x0303).to_be_bytes();
    let body = [&legacy[..], &random, &vector(1, session), &vector(2, &words(suites)), &[1, 0], &vector(2, &extensions)].concat();
    message(1, &body)
}

fn server_hello(random: [u8; 32], version: u16, suite: u16, session: &[u8]) -> Vec<u8> {
    let extensions = if version > 0x0303 { extension(43, &version.to_be_bytes()) } else { Vec::new() };
    let legacy = version.min(0x0303).to_be_bytes();
    message(2, &[&legacy[..], &random, &vector(1, session), &suite.to_be_bytes(), &[0], &vector(2, &extensions)].concat())
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector(3, body)].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, body)].concat()
}

fn words(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Bytes behind their length, which takes so many octets.
fn vector(octets: usize, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("a ladder's message is small").to_be_bytes();
    [&length[4 - octets..], bytes].concat()
}

fn random(parts: &[&str]) -> [u8; 32] {
    let seed = hash(parts);
    std::array::from_fn(|n| (seed >> (8 * (n % 8))) as u8 ^ n as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Tls>, String> {
        Tls::read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn lines_name_messages() {
        let Ok(Some(Tls::Hello { versions, suites, .. })) = read("hello sni=a versions=1.3,1.2 suites=1301,C02F session=1") else {
            panic!()
        };
        assert_eq!((versions, suites), (vec![0x0304, 0x0303], vec![0x1301, 0xc02f]));
        assert_eq!(read("alert 48"), Ok(Some(Tls::Alert(48))));
        assert_eq!(read("INVITE"), Ok(None));
        let Ok(Some(Tls::Certificates(chain))) = read("cert cn=a") else { panic!() };
        assert_eq!(chain.iter().map(|one| one.common.as_str()).collect::<Vec<_>>(), ["a", AUTHORITY]);
        assert!(matches!(read("cert cn=a issuer=B"), Ok(Some(Tls::Certificates(chain))) if chain.len() == 1));
        assert!(read("hello colour=red").is_err() && read("chosen version=4").is_err() && read("chosen suite=x").is_err());
    }

    #[test]
    fn what_follows_ccs_is_sealed() {
        let mut session = Session::default();
        for (from, text) in
            [("a", "hello"), ("b", "chosen version=1.3"), ("b", "chosen"), ("b", "cert cn=b"), ("b", "request"), ("a", "ccs")]
        {
            let bytes = session.write(from, &read(text).unwrap().unwrap(), "1").unwrap();
            assert!([HANDSHAKE, CHANGE_CIPHER_SPEC].contains(&bytes[0]));
        }
        assert_eq!(session.carry("b", b"x".to_vec()), b"x");
        assert_eq!(session.carry("a", b"x".to_vec()).len(), 5 + 8 + 1 + 16);
        assert_eq!(session.write("b", &Tls::Alert(48), "1"), Ok(vec![ALERT, 3, 3, 0, 2, 2, 48]));
        assert_eq!(session.write("b", &Tls::Data(1), "1"), Ok(vec![APPLICATION, 3, 3, 0, 1, 0xdd]));
        assert!(session.key_log().is_some());
        assert!(Session::default().write("a", &Tls::Change, "1").is_err());
    }
}
