//! A DNS message as far as call flows need it: the name that is asked for, and the addresses that it has (RFC 1035 section 4, RFC 3596).

use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Octets of a header.
const HEADER: usize = 12;
/// Longest name, in octets as sent (RFC 1035 section 3.1).
const LONGEST_NAME: usize = 255;
/// Pointers followed within one name; each goes back, and no writer needs more.
const MOST_POINTERS: usize = 16;
/// Records read of one message.
const MOST_RECORDS: usize = 64;
/// Type of an IPv4 address.
const A: u16 = 1;
/// Type of another name for the same host.
const CNAME: u16 = 5;
/// Type of an IPv6 address.
const AAAA: u16 = 28;
/// The Internet.
const IN: u16 = 1;

/// A question about one name, with what is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// It answers.
    pub is_response: bool,
    /// The name that is asked for, in lower case, without the dot at its end; octets that are no visible ASCII as `\DDD`.
    pub name: String,
    /// Its addresses, also those of the names that it is another name for, in the order given, each once. None in a question.
    pub addresses: SmallVec<[IpAddr; 2]>,
}

impl Dns {
    /// Reads a message with one question. What follows a record that cannot be read is left out.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let (&[_, _, flags, _, q0, q1, a0, a1, ..], _) = payload.split_first_chunk::<HEADER>()?;
        if u16::from_be_bytes([q0, q1]) != 1 {
            return None;
        }
        let (name, after) = name(payload, HEADER)?;
        let is_response = flags & 0x80 != 0;
        let records = usize::from(u16::from_be_bytes([a0, a1])).min(MOST_RECORDS);
        let addresses = if is_response { addresses(payload, after + 4, &name, records) } else { SmallVec::new() };
        Some(Self { is_response, name, addresses })
    }
}

/// Addresses of `asked` among `records` records from `at` on.
fn addresses(payload: &[u8], mut at: usize, asked: &str, records: usize) -> SmallVec<[IpAddr; 2]> {
    // An alias stands before what it leads to (RFC 1034 section 4.3.2), so one way through the list follows the chain.
    let mut aliases = BTreeSet::from([asked.to_owned()]);
    let mut found = SmallVec::new();
    for _ in 0..records {
        let Some((owner, after)) = name(payload, at) else { break };
        let Some(&[k0, k1, c0, c1, _, _, _, _, l0, l1]) = payload.get(after..).and_then(|rest| rest.first_chunk::<10>()) else { break };
        let begin = after + 10;
        at = begin + usize::from(u16::from_be_bytes([l0, l1]));
        let Some(data) = payload.get(begin..at) else { break };
        if u16::from_be_bytes([c0, c1]) & 0x7fff != IN || !aliases.contains(&owner) {
            continue;
        }
        match u16::from_be_bytes([k0, k1]) {
            A => found.extend(<[u8; 4]>::try_from(data).ok().map(IpAddr::from).filter(|ip| !found.contains(ip))),
            AAAA => found.extend(<[u8; 16]>::try_from(data).ok().map(IpAddr::from).filter(|ip| !found.contains(ip))),
            CNAME => aliases.extend(name(payload, begin).map(|(other, _)| other)),
            _ => {}
        }
    }
    found
}

/// The name at `at`, and where what follows it begins. Pointers may only go back, as all writers' do: none can lead around.
fn name(payload: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut text, mut octets) = (String::new(), 0);
    let (mut place, mut after, mut pointers) = (at, None, 0);
    loop {
        let &len = payload.get(place)?;
        match len {
            0 => return Some((text, after.unwrap_or(place + 1))),
            1..=63 => {
                let label = payload.get(place + 1..place + 1 + usize::from(len))?;
                octets += label.len() + 1;
                if octets > LONGEST_NAME {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                label.iter().for_each(|octet| push(&mut text, *octet));
                place += 1 + label.len();
            }
            0xc0.. => {
                let target = usize::from(u16::from_be_bytes([len & 0x3f, *payload.get(place + 1)?]));
                after.get_or_insert(place + 2);
                pointers += 1;
                if target >= place || pointers > MOST_POINTERS {
                    return None;
                }
                place = target;
            }
            _ => return None,
        }
    }
}

fn push(text: &mut String, octet: u8) {
    match octet {
        b'.' | b'\\' => text.extend(['\\', char::from(octet)]),
        0x21..=0x7e => text.push(char::from(octet.to_ascii_lowercase())),
        _ => text.push_str(&format!("\\{octet:03}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str) -> Vec<u8> {
        let mut out: Vec<u8> = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
        out.push(0);
        out
    }

    /// A message about `name` with these records: owner, type, data.
    fn message(name: &str, answers: &[(Vec<u8>, u16, Vec<u8>)]) -> Vec<u8> {
        let flags = if answers.is_empty() { 1 } else { 0x81 };
        let mut out = vec![0x12, 0x34, flags, 0, 0, 1, 0, answers.len() as u8, 0, 0, 0, 0];
        out.extend(labels(name));
        out.extend([0, 1, 0, 1]);
        for (owner, kind, data) in answers {
            out.extend(owner);
            out.extend(kind.to_be_bytes());
            out.extend([0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
            out.extend(data);
        }
        out
    }

    /// The name behind the header.
    const ASKED: [u8; 2] = [0xc0, 12];

    #[test]
    fn an_answer_gives_the_addresses_of_the_name_behind_its_aliases() {
        let read = |answers: &[(Vec<u8>, u16, Vec<u8>)]| Dns::read(&message("SIP.pstnhub.Microsoft.com", answers)).unwrap();
        let question = read(&[]);
        assert_eq!((question.is_response, question.name.as_str(), question.addresses.len()), (false, "sip.pstnhub.microsoft.com", 0));
        let direct = read(&[(ASKED.to_vec(), A, vec![52, 114, 75, 24]), (ASKED.to_vec(), A, vec![52, 114, 75, 24])]);
        assert_eq!(direct.addresses.as_slice(), ["52.114.75.24".parse::<IpAddr>().unwrap()]);
        let chain = read(&[
            (ASKED.to_vec(), CNAME, labels("sip-du-a-eu.pstnhub.microsoft.com")),
            (labels("sip-du-a-eu.pstnhub.microsoft.com"), A, vec![52, 114, 7, 24]),
            (labels("other.example"), A, vec![192, 0, 2, 1]),
            (labels("SIP-DU-A-EU.pstnhub.microsoft.com"), AAAA, vec![0x26; 16]),
        ]);
        let addresses: Vec<String> = chain.addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["52.114.7.24", "2626:2626:2626:2626:2626:2626:2626:2626"]);
    }

    #[test]
    fn names_that_lead_around_or_out_are_none() {
        let bytes = message("a.example", &[(vec![0xc0, 27], A, vec![192, 0, 2, 1])]);
        assert_eq!(Dns::read(&bytes).unwrap().addresses.len(), 0, "a pointer to itself");
        let mut loops = message("a.example", &[]);
        loops.splice(12..14, [0xc0, 12]);
        assert_eq!(Dns::read(&loops), None);
        let whole = message("a.example", &[(ASKED.to_vec(), A, vec![192, 0, 2, 1])]);
        assert!((0..whole.len()).all(|cut| Dns::read(&whole[..cut]).is_none_or(|dns| dns.addresses.is_empty())));
        let long = message(&vec!["a".repeat(60); 5].join("."), &[]);
        assert_eq!(Dns::read(&long), None, "a name of more than 255 octets");
    }

    #[test]
    fn octets_that_are_no_text_are_escaped() {
        let mut bytes = message("ab.example", &[]);
        bytes.splice(13..15, [b'.', 7]);
        assert_eq!(Dns::read(&bytes).unwrap().name, "\\.\\007.example");
    }
}
