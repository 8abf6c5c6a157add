//! A TLS connection as its records come: plain ones are read, encrypted ones opened where a key log has the secrets.

use super::derive::{expand, prf};
use super::handshake::{At, Chain, Handshake, Keys};
use super::late::Late;
use super::opener::Opener;
use crate::decode::Dir;
use crate::flow::{
    Seen,
    keylog::{KeyLog, Label, Secret},
};
use crate::proto::{
    tls::{
        Alert, CertificateRequest, ClientHello, ContentType, HandshakeType, Messages, Record, ServerHello, Suite, Version, certificates,
        hello,
    },
    x509::Certificate,
};
use serde::{Deserialize, Serialize};

/// Fewest octets of an encrypted record: what was lost holds no more records than this lets it.
const SHORTEST: u64 = 22;
/// Octets of an encrypted alert of TLS 1.3, which looks like data: two of it, its kind, and a tag.
const SEALED_ALERT: usize = 19;
/// Numbers tried at the first record behind a gap.
const MOST_TRIED: u64 = 1_024;
/// Records behind a gap of which the numbers are tried, before the rest of the connection is given up.
const MOST_TRIALS: u8 = 4;
/// Updates of keys that a saved connection is brought up to.
const MOST_UPDATES: u32 = 1 << 16;

/// A connection. Saved, it has no secrets: keys are asked for again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Session {
    /// What was seen.
    pub handshake: Handshake,
    /// Random of the ClientHello that keys are known by.
    client_random: Option<[u8; 32]>,
    ways: [Way; 2],
    /// Records whose key may still come.
    pub late: Late,
}

impl Clone for Session {
    fn clone(&self) -> Self {
        let Self { handshake, client_random, ways, late } = self;
        Self { handshake: handshake.clone(), client_random: *client_random, ways: ways.clone(), late: late.clone() }
    }
}

/// One direction.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Way {
    messages: Messages,
    /// Records are encrypted from here on.
    sealed: bool,
    /// TLS 1.3: its Finished was read, or its data opened.
    application: bool,
    /// TLS 1.3: updates of its keys so far.
    updates: u32,
    /// Number of the next record with these keys.
    next: u64,
    /// Records that may have been lost in front of the next, and how often numbers may still be tried.
    gap: Option<(u64, u8)>,
    #[serde(skip)]
    opener: Option<Opener>,
    /// Version of the key log in which no keys were found.
    #[serde(skip)]
    missed: Option<u64>,
}

impl Clone for Way {
    fn clone(&self) -> Self {
        let Self { messages, sealed, application, updates, next, gap, .. } = self;
        let messages = messages.clone();
        Self { messages, sealed: *sealed, application: *application, updates: *updates, next: *next, gap: *gap, opener: None, missed: None }
    }
}

/// What came of a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// Data.
    Data(Vec<u8>),
    /// Nothing that is carried for others.
    None,
    /// It could not be opened: what it carried is missing.
    Missing,
}

impl Session {
    /// Takes in the next record that went `dir`, seen last at `seen`.
    pub fn record(&mut self, dir: Dir, record: &Record<'_>, seen: Seen, keys: &KeyLog) -> Content {
        let is_13 = self.is_13();
        if record.kind == ContentType::ChangeCipherSpec {
            // TLS 1.3 sends it for middleboxes' sake alone (RFC 8446 appendix D.4).
            if !is_13 {
                self.change_keys(dir, record, seen, keys);
            }
            return Content::None;
        }
        if record.kind == ContentType::Application && !(is_13 && record.body.len() <= SEALED_ALERT) {
            self.handshake.count_data(dir, seen);
        }
        let sealed = match is_13 {
            true => record.kind == ContentType::Application,
            false => self.way(dir).sealed || record.kind == ContentType::Application,
        };
        if !sealed {
            self.plain(dir, record.kind, record.body, seen);
            return Content::None;
        }
        self.sealed(dir, record, seen, keys)
    }

    /// Takes in an encrypted record; again, where its key came late.
    pub fn sealed(&mut self, dir: Dir, record: &Record<'_>, seen: Seen, keys: &KeyLog) -> Content {
        // Behind records that wait it waits as well: what opens it depends on them.
        if !self.late.is_empty() {
            self.handshake.unopened += 1;
            return Content::Missing;
        }
        match self.open(dir, record, keys) {
            Some((ContentType::Application, data)) => Content::Data(data),
            Some((kind, body)) => {
                self.plain(dir, kind, &body, seen);
                Content::None
            }
            None => Content::Missing,
        }
    }

    /// TLS 1.3 was agreed on, or will be: nothing before it lets a server ask for another ClientHello.
    fn is_13(&self) -> bool {
        self.handshake.retried || self.handshake.version().is_some_and(|version| version >= Version::TLS13)
    }

    /// TLS 1.2: what was agreed on holds from the next record on. When keys are agreed on anew, this record too is sealed.
    fn change_keys(&mut self, dir: Dir, record: &Record<'_>, seen: Seen, keys: &KeyLog) {
        if self.way(dir).sealed {
            self.open(dir, record, keys);
        }
        let way = self.way(dir);
        (way.sealed, way.next, way.opener, way.missed) = (true, 0, None, None);
        way.messages.lose();
        self.finish(dir, seen);
    }

    /// `bytes` of this direction were lost in front of what comes next.
    pub fn lose(&mut self, dir: Dir, bytes: u64) {
        let way = self.way(dir);
        way.messages.lose();
        let (records, trials) = way.gap.unwrap_or((0, MOST_TRIALS));
        way.gap = Some((records.saturating_add(bytes / SHORTEST + 1), trials));
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.ways.iter().map(|way| way.messages.size()).sum::<usize>() + self.late.size()
    }

    /// A record that could not be opened is worth keeping: both sides' hellos were seen, and the key log may still grow by their keys.
    /// What came before the ServerHello, nothing opens.
    pub fn waits_for_keys(&self, keys: &KeyLog) -> bool {
        let may_come = self.handshake.chosen.is_some() && self.handshake.keys != Keys::Unread && self.known(keys) < 2;
        keys.awaited && self.client_random.is_some() && (may_come || !self.late.is_empty())
    }

    /// What waits for keys can be read now: the key log has grown by those of both directions, or nothing will follow and it has some.
    pub fn is_due(&self, keys: &KeyLog, closed: bool) -> bool {
        self.late.is_due(keys.version) && self.known(keys) >= if closed { 1 } else { 2 }
    }

    /// Of how many directions the key log has what opens data.
    fn known(&self, keys: &KeyLog) -> usize {
        let labels = if self.is_13() { [Label::ClientTraffic, Label::ServerTraffic] } else { [Label::Master; 2] };
        let known = |label: &Label| self.client_random.as_ref().is_some_and(|random| keys.get(random, *label).is_some());
        labels.iter().filter(|label| known(label)).count()
    }

    /// Records that could not be opened are tried again.
    pub fn retry(&mut self, records: usize) {
        self.handshake.unopened = self.handshake.unopened.saturating_sub(records as u64);
    }

    fn open(&mut self, dir: Dir, record: &Record<'_>, keys: &KeyLog) -> Option<(ContentType, Vec<u8>)> {
        self.find_opener(dir, keys);
        let is_13 = self.is_13();
        let way = self.way(dir);
        let opened = match (&mut way.opener, way.gap) {
            (None, _) => None,
            (Some(opener), None) => opener.open(record).map(|(kind, content)| (kind, content, 0)),
            (Some(_), Some((_, 0))) => None,
            (Some(opener), Some((lost, trials))) => {
                way.gap = Some((lost, trials - 1));
                opener.open_after_loss(record, lost.min(MOST_TRIED))
            }
        };
        let opened = match opened {
            None if is_13 && !way.application => self.try_application(dir, record, keys),
            opened => opened,
        };
        let Some((kind, content, lost)) = opened else {
            self.handshake.unopened += 1;
            if let Some(opener) = &mut self.way(dir).opener {
                // Damaged or not for these keys: what follows has the next number all the same.
                opener.next += 1;
                let next = opener.next;
                self.way(dir).next = next;
                if self.handshake.opened == 0 {
                    self.handshake.keys = Keys::Wrong;
                }
            }
            return None;
        };
        let way = self.way(dir);
        way.gap = None;
        way.next = way.opener.as_ref().map_or(0, |opener| opener.next);
        self.handshake.lost += lost;
        self.handshake.opened += 1;
        self.handshake.keys = Keys::Right;
        Some((kind, content))
    }

    /// TLS 1.3: the end of a direction's handshake was not seen or cannot be read, but its data may.
    fn try_application(&mut self, dir: Dir, record: &Record<'_>, keys: &KeyLog) -> Option<(ContentType, Vec<u8>, u64)> {
        let mut opener = self.derive(dir, true, keys)?;
        let most = self.way(dir).gap.map_or(0, |(lost, _)| lost.min(MOST_TRIED));
        let found = opener.open_after_loss(record, most)?;
        let way = self.way(dir);
        (way.application, way.opener) = (true, Some(opener));
        Some(found)
    }

    /// Finds the keys of a direction, if the key log has them now.
    fn find_opener(&mut self, dir: Dir, keys: &KeyLog) {
        let way = self.way(dir);
        if way.opener.is_some() || way.missed == Some(keys.version) {
            return;
        }
        let (application, next) = (way.application, way.next);
        let opener = self.derive(dir, application, keys);
        let found = opener.is_some();
        let way = self.way(dir);
        way.opener = opener.map(|mut opener| {
            opener.next = next;
            opener
        });
        if !found {
            way.missed = Some(keys.version);
            if matches!(self.handshake.keys, Keys::Unasked | Keys::Missing) {
                let suite = self.handshake.chosen.as_ref().map(|chosen| Suite::of(chosen.what.suite).and_then(|suite| suite.cipher));
                self.handshake.keys = if suite == Some(None) { Keys::Unread } else { Keys::Missing };
            }
        }
    }

    /// The keys that a direction's records are sealed with.
    fn derive(&self, dir: Dir, application: bool, keys: &KeyLog) -> Option<Opener> {
        let chosen = &self.handshake.chosen.as_ref()?.what;
        let suite = Suite::of(chosen.suite)?;
        let cipher = suite.cipher?;
        let random = self.client_random.as_ref()?;
        let is_client = self.handshake.client? == dir;
        match chosen.version {
            Version::TLS13 => {
                let label = match (is_client, application) {
                    (true, false) => Label::ClientHandshake,
                    (false, false) => Label::ServerHandshake,
                    (true, true) => Label::ClientTraffic,
                    (false, true) => Label::ServerTraffic,
                };
                let mut secret: Secret = keys.get(random, label)?.clone();
                let updates = self.ways.get(dir.index()).map_or(0, |way| way.updates);
                for _ in 0..updates.min(MOST_UPDATES) {
                    secret = expand(suite.hash, &secret, "traffic upd", suite.hash.octets());
                }
                Opener::tls13(cipher, suite.hash, &secret)
            }
            Version::TLS12 => {
                let master = keys.get(random, Label::Master)?;
                let (mac, key, salt) = (cipher.mac_len(), cipher.key_len(), cipher.salt_len());
                let block = prf(suite.hash, master, "key expansion", [&chosen.random, random], 2 * (mac + key + salt));
                let part = |at: usize, len: usize| block.get(at + if is_client { 0 } else { len }..)?.get(..len);
                Opener::tls12(cipher, part(0, mac)?, part(2 * mac, key)?, part(2 * (mac + key), salt)?, chosen.encrypt_then_mac)
            }
            _ => None,
        }
    }

    fn plain(&mut self, dir: Dir, kind: ContentType, body: &[u8], seen: Seen) {
        match kind {
            ContentType::Alert => {
                if let Some(alert) = Alert::read(body) {
                    self.handshake.alert(dir, alert, seen);
                }
            }
            ContentType::Handshake => {
                self.way(dir).messages.push(body);
                while let Some((kind, body)) = self.way(dir).messages.take() {
                    self.message(dir, kind, &body, seen);
                }
            }
            ContentType::ChangeCipherSpec | ContentType::Application => {}
        }
    }

    fn message(&mut self, dir: Dir, kind: HandshakeType, body: &[u8], seen: Seen) {
        let version = self.handshake.version().unwrap_or(Version::TLS12);
        match kind {
            HandshakeType::ClientHello => {
                if let Some(hello) = ClientHello::read(body) {
                    self.client_random = Some(hello.random);
                    self.handshake.client.get_or_insert(dir);
                    self.handshake.offered.get_or_insert(At { what: hello, seen });
                }
            }
            HandshakeType::ServerHello => match ServerHello::read(body) {
                Some(hello) if hello.is_retry => self.handshake.retried = true,
                Some(hello) => {
                    self.handshake.client.get_or_insert(dir.reverse());
                    self.handshake.protocol = hello.alpn.clone();
                    if hello.version >= Version::TLS13 {
                        self.ways.iter_mut().for_each(|way| way.sealed = true);
                    }
                    // Data sent before, with the client's first flight, had asked for keys in vain.
                    self.ways.iter_mut().for_each(|way| way.missed = None);
                    self.handshake.chosen = Some(At { what: hello, seen });
                }
                None => {}
            },
            HandshakeType::EncryptedExtensions => self.handshake.protocol = hello::chosen_protocol(body),
            HandshakeType::Certificate => {
                let read: Vec<Option<Certificate>> = certificates(body, version).into_iter().map(Certificate::read).collect();
                let unreadable = read.iter().filter(|certificate| certificate.is_none()).count() as u32;
                let chain = Chain { certificates: read.into_iter().flatten().collect(), unreadable };
                if let Some(slot) = self.handshake.chains.get_mut(dir.index()) {
                    slot.get_or_insert(At { what: chain, seen });
                }
            }
            HandshakeType::CertificateRequest => {
                self.handshake.requested.get_or_insert(At { what: CertificateRequest::read(body, version), seen });
            }
            HandshakeType::Finished if version >= Version::TLS13 => {
                self.finish(dir, seen);
                let way = self.way(dir);
                (way.application, way.next, way.opener, way.missed) = (true, 0, None, None);
            }
            HandshakeType::KeyUpdate if version >= Version::TLS13 => {
                let way = self.way(dir);
                (way.updates, way.next, way.opener, way.missed) = (way.updates + 1, 0, None, None);
            }
            HandshakeType::Finished | HandshakeType::KeyUpdate | HandshakeType::NewSessionTicket | HandshakeType::Other(_) => {}
        }
    }

    fn finish(&mut self, dir: Dir, seen: Seen) {
        if let Some(finished) = self.handshake.finished.get_mut(dir.index()) {
            finished.get_or_insert(seen);
        }
    }

    fn way(&mut self, dir: Dir) -> &mut Way {
        let [up, down] = &mut self.ways;
        if dir == Dir::Up { up } else { down }
    }
}
