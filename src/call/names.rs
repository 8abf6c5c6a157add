//! Names of hosts and their addresses, as name servers told them in the capture.

use crate::flow::{Lookup, Seen, tls};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Names that are remembered.
const MOST_NAMES: usize = 1 << 16;
/// Names of the service that are remembered besides.
const MOST_OF_SERVICE: usize = 1 << 10;
/// Addresses, and clients, that are remembered of a name.
const MOST_OF_NAME: usize = 64;

/// What is known of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its addresses, and the first answer that has each.
    pub addresses: BTreeMap<IpAddr, Seen>,
    /// Who asked for a name of the service, or was told an address, and where that was seen first.
    pub clients: BTreeMap<IpAddr, Seen>,
}

/// The names of a run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Names {
    names: BTreeMap<String, Known>,
    /// Those of the service, which no others crowd out.
    of_service: BTreeMap<String, Known>,
    /// Names at an address, in order of what was told first.
    at: BTreeMap<IpAddr, Vec<String>>,
}

impl Names {
    /// Takes in a question or an answer.
    pub fn add(&mut self, lookup: Lookup) {
        let (names, most) = match tls::is_service(&lookup.name) {
            true => (&mut self.of_service, MOST_OF_SERVICE),
            false => (&mut self.names, MOST_NAMES),
        };
        if names.len() >= most && !names.contains_key(&lookup.name) {
            return;
        }
        let known = names.entry(lookup.name.clone()).or_default();
        note(&mut known.clients, lookup.client, lookup.seen);
        for ip in lookup.addresses {
            if note(&mut known.addresses, ip, lookup.seen) {
                let names = self.at.entry(ip).or_default();
                if names.len() < MOST_OF_NAME {
                    names.push(lookup.name.clone());
                }
            }
        }
    }

    /// What is known of a name, in any letter case.
    pub fn of(&self, name: &str) -> Option<&Known> {
        let name = name.to_ascii_lowercase();
        self.of_service.get(&name).or_else(|| self.names.get(&name))
    }

    /// Names that the address has.
    pub fn at(&self, ip: IpAddr) -> &[String] {
        self.at.get(&ip).map_or(&[], Vec::as_slice)
    }

    /// Names of the service that were asked for or told, in order.
    pub fn of_service(&self) -> impl Iterator<Item = (&str, &Known)> {
        self.of_service.iter().map(|(name, known)| (name.as_str(), known))
    }

    /// No name server was heard.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.of_service.is_empty()
    }
}

/// Remembers where something was seen first. Tells whether it is new.
fn note(known: &mut BTreeMap<IpAddr, Seen>, ip: IpAddr, seen: Seen) -> bool {
    let is_new = known.len() < MOST_OF_NAME && !known.contains_key(&ip);
    if is_new {
        known.insert(ip, seen);
    }
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::support::message;
    use smallvec::SmallVec;

    fn lookup(ms: i64, name: &str, client: &str, addresses: &[&str]) -> Lookup {
        let seen = message(ms, ("192.0.2.1:1", "192.0.2.2:2"), "OPTIONS sip:x SIP/2.0", "OPTIONS", "").seen();
        let addresses: SmallVec<[IpAddr; 2]> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        Lookup { name: name.to_owned(), addresses, client: client.parse().unwrap(), seen }
    }

    #[test]
    fn names_and_addresses_find_each_other() {
        let mut names = Names::default();
        names.add(lookup(1, "sip.pstnhub.microsoft.com", "198.51.100.4", &[]));
        names.add(lookup(2, "sip.pstnhub.microsoft.com", "198.51.100.4", &["52.114.75.24"]));
        names.add(lookup(3, "sip2.pstnhub.microsoft.com", "198.51.100.4", &["52.114.75.24", "52.114.7.24"]));
        names.add(lookup(4, "www.example.com", "10.0.0.1", &["192.0.2.80"]));
        let known = names.of("SIP.pstnhub.microsoft.com").unwrap();
        assert_eq!(known.clients.values().map(|seen| seen.seq.0).collect::<Vec<_>>(), [1]);
        assert_eq!(known.addresses.values().map(|seen| seen.seq.0).collect::<Vec<_>>(), [2]);
        assert_eq!(names.at("52.114.75.24".parse().unwrap()), ["sip.pstnhub.microsoft.com", "sip2.pstnhub.microsoft.com"]);
        assert_eq!(names.of_service().count(), 2);
        assert!(names.of("www.example.org").is_none() && !names.is_empty());
    }

    #[test]
    fn a_name_server_that_names_everything_does_not_crowd_out_the_service() {
        let mut names = Names::default();
        (0..MOST_NAMES + 10).for_each(|n| names.add(lookup(1, &format!("{n}.example"), "10.0.0.1", &[])));
        names.add(lookup(2, "sip.pstnhub.microsoft.com", "10.0.0.1", &["52.114.75.24"]));
        assert_eq!((names.names.len(), names.of_service().count()), (MOST_NAMES, 1));
    }
}
