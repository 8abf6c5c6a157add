//! What a TLS handshake showed: facts for rules and reports, no secrets.

use crate::decode::Dir;
use crate::flow::Seen;
use crate::proto::{
    tls::{Alert, CertificateRequest, ClientHello, ServerHello, Version},
    x509::Certificate,
};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Domains of the service: worldwide, GCC High, DoD.
pub const SERVICE_DOMAINS: [&str; 3] = ["pstnhub.microsoft.com", "pstnhub.gov.teams.microsoft.us", "pstnhub.dod.teams.microsoft.us"];

/// Alerts that are kept.
const MOST_ALERTS: usize = 8;

/// Without data for so long: after five minutes without OPTIONS the service demotes a trunk (Microsoft, Direct Routing, what's new).
pub const SILENCE: Span = Span::secs(300);
/// Silences that are kept of a direction.
const MOST_SILENCES: usize = 64;

/// A handshake as far as it was seen, and what became of the records behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Handshake {
    /// Which way the ClientHello went.
    pub client: Option<Dir>,
    /// What the client offered first.
    pub offered: Option<At<ClientHello>>,
    /// What the server chose in the end.
    pub chosen: Option<At<ServerHello>>,
    /// The server asked for another ClientHello.
    pub retried: bool,
    /// The application protocol agreed on.
    pub protocol: Option<String>,
    /// The certificates each side presented, by the direction in which they went.
    pub chains: [Option<At<Chain>>; 2],
    /// The server asked its client for a certificate.
    pub requested: Option<At<CertificateRequest>>,
    /// Alerts, with the direction they went.
    pub alerts: SmallVec<[(Dir, At<Alert>); 1]>,
    /// In each direction, where what was agreed came into force: ChangeCipherSpec, or in TLS 1.3 a Finished that could be read.
    pub finished: [Option<Seen>; 2],
    /// Records of data, by direction, read or not. In TLS 1.3 handshake messages that are encrypted count too.
    pub data: [u64; 2],
    /// First record of data, by direction.
    pub first_data: [Option<Seen>; 2],
    /// Last record of data, by direction.
    pub last_data: [Option<Seen>; 2],
    /// Times of at least [`SILENCE`] between two records of data, by direction: the first few.
    pub silences: [Vec<(Timestamp, Timestamp)>; 2],
    /// Encrypted records that were read.
    pub opened: u64,
    /// Encrypted records that were not.
    pub unopened: u64,
    /// Encrypted records that were lost, as numbers of the next ones show.
    pub lost: u64,
    /// What is known of keys.
    pub keys: Keys,
}

/// Something and where it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At<T> {
    /// What.
    pub what: T,
    /// The record that completed it.
    pub seen: Seen,
}

/// Certificates in the order sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chain {
    /// Those that could be read; the first is the sender's own, where that could.
    pub certificates: Vec<Certificate>,
    /// How many could not.
    pub unreadable: u32,
}

/// What is known of the keys of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Keys {
    /// Nothing encrypted came yet.
    #[default]
    Unasked,
    /// No key log has them, or the handshake was not seen.
    Missing,
    /// The suite is none of those that are read.
    Unread,
    /// They open no record.
    Wrong,
    /// They open records.
    Right,
}

impl Handshake {
    /// The version agreed on.
    pub fn version(&self) -> Option<Version> {
        self.chosen.as_ref().map(|chosen| chosen.what.version)
    }

    /// It goes on with a session before: no certificates are shown.
    pub fn is_resumed(&self) -> bool {
        let (Some(offered), Some(chosen)) = (&self.offered, &self.chosen) else { return false };
        match chosen.what.version >= Version::TLS13 {
            true => chosen.what.pre_shared_key,
            false => {
                let server = self.client.map(Dir::reverse);
                let silent = server.is_some_and(|dir| self.chain(dir).is_none());
                let same = !chosen.what.session_id.is_empty() && chosen.what.session_id == offered.what.session_id;
                silent && (same || offered.what.resumes) && self.finished.iter().any(Option::is_some)
            }
        }
    }

    /// The certificates that went `dir`.
    pub fn chain(&self, dir: Dir) -> Option<&At<Chain>> {
        self.chains.get(dir.index())?.as_ref()
    }

    /// Both sides came so far that data may flow.
    pub fn is_complete(&self) -> bool {
        self.finished.iter().all(Option::is_some) || self.data.iter().all(|records| *records > 0)
    }

    /// The first alert that ends the connection for a fault.
    pub fn fault(&self) -> Option<&(Dir, At<Alert>)> {
        self.alerts.iter().find(|(_, alert)| alert.what.is_fault())
    }

    /// Which way the certificates or what was asked for say that the service is: the direction of what it sends.
    pub fn from_service(&self) -> Option<Dir> {
        let named = |dir: &Dir| self.chain(*dir).and_then(|chain| chain.what.certificates.first()).is_some_and(names_service);
        let asked = self.offered.as_ref().and_then(|offered| offered.what.server_name.as_deref()).is_some_and(is_service);
        let by_name = || self.client.filter(|_| asked).map(Dir::reverse);
        [Dir::Up, Dir::Down].into_iter().find(named).or_else(by_name)
    }

    /// Notes a record of data.
    pub fn count_data(&mut self, dir: Dir, seen: Seen) {
        let n = dir.index();
        let Self { data, first_data, last_data, silences, .. } = self;
        if let (Some(records), Some(first), Some(last)) = (data.get_mut(n), first_data.get_mut(n), last_data.get_mut(n)) {
            *records += 1;
            first.get_or_insert(seen);
            let silent = last.replace(seen).map(|last| (last.at, seen.at)).filter(|(from, until)| *until - *from >= SILENCE);
            silences.get_mut(n).filter(|known| known.len() < MOST_SILENCES).into_iter().for_each(|known| known.extend(silent));
        }
    }

    /// Notes an alert.
    pub fn alert(&mut self, dir: Dir, alert: Alert, seen: Seen) {
        if self.alerts.len() < MOST_ALERTS {
            self.alerts.push((dir, At { what: alert, seen }));
        }
    }
}

/// A host name is one of the service's.
pub fn is_service(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    SERVICE_DOMAINS.iter().any(|domain| name.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.')))
}

fn names_service(certificate: &Certificate) -> bool {
    certificate.names.iter().chain(&certificate.common_name).any(|name| is_service(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    #[test]
    fn long_silences_between_records_of_data_are_kept() {
        let mut handshake = Handshake::default();
        for second in [0, 60, 400, 690, 1_000] {
            packet(0).at_ms(second * 1_000).give(|packet, _| handshake.count_data(Dir::Up, Seen::of(packet)));
        }
        let [up, down] = handshake
            .silences
            .map(|all| all.iter().map(|(from, until)| (from.0 / 1_000_000_000, until.0 / 1_000_000_000)).collect::<Vec<_>>());
        assert_eq!((up, down, handshake.data), (vec![(60, 400), (690, 1_000)], vec![], [5, 0]));
    }

    #[test]
    fn a_host_of_the_service_is_known_by_whole_labels() {
        assert!(["sip.pstnhub.microsoft.com", "PSTNHUB.microsoft.com.", "sip.pstnhub.gov.teams.microsoft.us"].into_iter().all(is_service));
        assert!(!["sip.notpstnhub.microsoft.com", "pstnhub.microsoft.com.example", "microsoft.com", ""].into_iter().any(is_service));
    }
}
