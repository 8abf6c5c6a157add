//! DNS of a ladder: questions, and answers with addresses.
//!
//! ```text
//! 0.000  sbc 198.51.100.4:40000 > ns 192.0.2.53:53   dns query sip.pstnhub.microsoft.com
//! 0.020  ns > sbc                                    dns answer sip.pstnhub.microsoft.com 52.114.75.24 alias=sip-du-a-eu.pstnhub.microsoft.com
//! ```

use super::facts::Facts;
use super::token::pair;
use std::net::IpAddr;

/// What a line sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// The name that is asked for.
    pub name: String,
    /// `None` in a question.
    pub addresses: Option<Vec<IpAddr>>,
    /// `alias=`: the name that has the addresses, and that the other one stands for.
    pub alias: Option<String>,
}

impl Dns {
    /// Reads the words behind `dns`; facts of the frame among them go to `facts`.
    pub fn read(words: &[String], facts: &mut Facts) -> Result<Dns, String> {
        let shape = || "write: dns query NAME, or dns answer NAME ADDRESS ... [alias=NAME]".to_owned();
        let [kind, name, rest @ ..] = words else { return Err(shape()) };
        let (mut addresses, mut alias) = (Vec::new(), None);
        for word in rest {
            match pair(word) {
                None => addresses.push(word.parse().map_err(|_| format!("'{word}' is no address"))?),
                Some(("alias", value)) => alias = Some(value.to_owned()),
                Some((key, value)) if facts.take(key, value)? => {}
                Some(_) => return Err(format!("'{word}' is no fact of DNS or of a frame")),
            }
        }
        match kind.as_str() {
            "query" if addresses.is_empty() && alias.is_none() => Ok(Dns { name: name.clone(), addresses: None, alias: None }),
            "answer" => Ok(Dns { name: name.clone(), addresses: Some(addresses), alias }),
            _ => Err(shape()),
        }
    }

    /// The message.
    pub fn write(&self) -> Vec<u8> {
        let owner = self.alias.as_ref().map_or(vec![0xc0, 12], |alias| labels(alias));
        let mut records: Vec<Vec<u8>> = self.alias.iter().map(|alias| record(&[0xc0, 12], 5, &labels(alias))).collect();
        records.extend(self.addresses.iter().flatten().map(|ip| match ip {
            IpAddr::V4(ip) => record(&owner, 1, &ip.octets()),
            IpAddr::V6(ip) => record(&owner, 28, &ip.octets()),
        }));
        let flags = if self.addresses.is_some() { [0x81, 0x80] } else { [0x01, 0x00] };
        let head = [&[0x12, 0x34][..], &flags, &[0, 1, 0, records.len() as u8, 0, 0, 0, 0]].concat();
        [head, labels(&self.name), vec![0, 1, 0, 1], records.concat()].concat()
    }
}

fn labels(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

/// A record with a minute to live.
fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    [owner, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes(), data].concat()
}

#[test]
fn a_question_and_its_answer_are_written_as_name_servers_do() {
    let mut facts = Facts::default();
    let mut read = |text: &str| Dns::read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), &mut facts);
    let question = read("query a.bc if=er").unwrap().write();
    assert_eq!(question[2..], [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1]);
    let answer = read("answer a.bc 10.0.0.1").unwrap().write();
    assert_eq!(answer[18..], [0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
    assert!(read("query").is_err() && read("query a.bc 10.0.0.1").is_err() && read("answer a.bc ten").is_err());
    assert_eq!(facts.interface.as_deref(), Some("er"));
}
