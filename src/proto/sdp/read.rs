//! The tolerant line reader: every line that can be understood counts, whatever the others are.

use super::candidate;
use super::crypto;
use super::{Direction, MediaDescription, Origin, Rtpmap, Sdp};
use memchr::memchr2;
use std::borrow::Cow;
use std::net::IpAddr;

/// More `m=` lines than any device writes; the rest is counted as malformed.
pub(super) const MOST_MEDIA: usize = 256;

/// Attributes that mean something in a media section only.
const MEDIA_ONLY: [&[u8]; 5] = [b"rtpmap", b"fmtp", b"candidate", b"crypto", b"rtcp"];
/// The longest attribute name that means something, and one more.
const LONGEST_NAME: usize = 12;

/// Reads all lines. `None` when none is `v=`, `o=`, `c=` or `m=`.
pub(super) fn lines(body: &[u8]) -> Option<Sdp> {
    let mut reader = Reader::default();
    // Without a branch for each byte, many are looked at together.
    let odd = |byte: u8| (byte < 0x20 && byte != b'\r' && byte != b'\n' && byte != b'\t') | (byte == 0x7f);
    reader.sdp.faults.control = body.chunks(64).any(|chunk| chunk.iter().fold(false, |any, byte| any | odd(*byte)));
    let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    let mut rest = &*text;
    while !rest.is_empty() {
        let end = memchr2(b'\r', b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        if !line.is_empty() {
            reader.line(line);
        }
        rest = rest.get(end + 1..).unwrap_or_default();
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    reader.finish()
}

/// `text` without white space at its ends; nearly all has none.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// `text` in lower case, where it is no longer than a name that is known; empty for what is longer.
fn lower<'l>(text: &str, kept: &'l mut [u8; LONGEST_NAME]) -> &'l [u8] {
    let Some(place) = kept.get_mut(..text.len()) else { return &[] };
    place.copy_from_slice(text.as_bytes());
    place.make_ascii_lowercase();
    place
}

/// What the session level says for all media, and a media section for itself.
#[derive(Default)]
struct Section {
    connection: Option<(Option<IpAddr>, String)>,
    direction: Option<Direction>,
    ice_ufrag: Option<String>,
    ice_pwd_digest: Option<u64>,
    fingerprint: bool,
}

#[derive(Default)]
struct Seen {
    version: bool,
    name: bool,
    time: bool,
}

#[derive(Default)]
struct Reader {
    sdp: Sdp,
    session: Section,
    current: Option<(MediaDescription, Section)>,
    surplus: bool,
    seen: Seen,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let &[letter, b'=', ..] = line.as_bytes() else {
            return self.malformed();
        };
        if !letter.is_ascii_alphabetic() {
            return self.malformed();
        }
        let value = trimmed(line.get(2..).unwrap_or_default());
        match letter {
            b'v' => self.seen.version = true,
            b's' => self.seen.name = true,
            b't' => self.seen.time = true,
            b'o' if self.sdp.origin.is_none() => self.sdp.origin = Some(origin(value)),
            b'm' => self.media(value),
            b'c' => self.connection(value),
            b'a' => self.attribute(value),
            _ => {}
        }
    }

    fn malformed(&mut self) {
        self.sdp.faults.malformed = self.sdp.faults.malformed.saturating_add(1);
    }

    fn media(&mut self, value: &str) {
        self.close();
        self.surplus = self.sdp.media.len() >= MOST_MEDIA;
        match media(value) {
            _ if self.surplus => self.malformed(),
            (media, whole) => {
                self.current = Some((media, Section::default()));
                if !whole {
                    self.malformed();
                }
            }
        }
    }

    /// Ends the open section: what it does not say itself, the session level says for it.
    fn close(&mut self) {
        let Some((mut media, own)) = self.current.take() else {
            return;
        };
        let session = &self.session;
        if let Some((address, text)) = own.connection.as_ref().or(session.connection.as_ref()) {
            (media.connection, media.connection_text) = (*address, text.clone());
        }
        media.direction = own.direction.or(session.direction).unwrap_or_default();
        media.ice_ufrag = own.ice_ufrag.or_else(|| session.ice_ufrag.clone());
        media.ice_pwd_digest = own.ice_pwd_digest.or(session.ice_pwd_digest);
        media.fingerprint = own.fingerprint || session.fingerprint;
        let savp = is_savp(&media.proto);
        media.secured = savp || !media.crypto.is_empty() || media.fingerprint;
        self.sdp.media.push(media);
    }

    fn section(&mut self) -> &mut Section {
        self.current.as_mut().map_or(&mut self.session, |(_, section)| section)
    }

    fn connection(&mut self, value: &str) {
        let found = value.split_ascii_whitespace().nth(2).and_then(|word| word.split('/').next());
        let Some(text) = found.filter(|text| !text.is_empty()) else {
            return self.malformed();
        };
        // A media section may have several for layered multicast; the first is the base layer.
        if !self.surplus {
            self.section().connection.get_or_insert_with(|| (text.parse().ok(), text.to_owned()));
        }
    }

    fn attribute(&mut self, line: &str) {
        if self.surplus {
            return;
        }
        let colon = line.bytes().position(|byte| byte == b':');
        let (name, value) = colon.and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?))).unwrap_or((line, ""));
        let mut kept = [0; LONGEST_NAME];
        let (name, value) = (lower(trimmed(name), &mut kept), trimmed(value));
        self.shared(name, value);
        if let Some((media, _)) = self.current.as_mut() {
            if !own(media, name, value) {
                self.malformed();
            }
        } else if MEDIA_ONLY.contains(&name) {
            self.sdp.faults.misplaced = self.sdp.faults.misplaced.saturating_add(1);
        }
    }

    /// Attributes that stand at either level.
    fn shared(&mut self, name: &[u8], value: &str) {
        let direction = match name {
            b"sendrecv" => Direction::SendRecv,
            b"sendonly" => Direction::SendOnly,
            b"recvonly" => Direction::RecvOnly,
            b"inactive" => Direction::Inactive,
            b"ice-lite" => return self.sdp.ice_lite = true,
            b"ice-ufrag" => return self.section().ice_ufrag = Some(value.to_owned()),
            b"ice-pwd" => return self.section().ice_pwd_digest = Some(crypto::digest(value)),
            b"fingerprint" => return self.section().fingerprint = true,
            _ => return,
        };
        self.section().direction = Some(direction);
    }

    fn finish(mut self) -> Option<Sdp> {
        self.close();
        let mut sdp = self.sdp;
        sdp.connection = self.session.connection.as_ref().and_then(|(address, _)| *address);
        let any = self.seen.version || sdp.origin.is_some() || self.session.connection.is_some() || !sdp.media.is_empty();
        sdp.faults.no_version = !self.seen.version;
        sdp.faults.no_origin = sdp.origin.is_none();
        sdp.faults.no_session_name = !self.seen.name;
        sdp.faults.no_time = !self.seen.time;
        any.then_some(sdp)
    }
}

/// The transport is a profile of SRTP (RFC 3711, RFC 5124).
pub(super) fn is_savp(proto: &str) -> bool {
    proto.as_bytes().windows(4).any(|part| part.eq_ignore_ascii_case(b"SAVP"))
}

fn origin(value: &str) -> Origin {
    let mut words = value.split_ascii_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (user, session_id, version, _net, _addr) = (word(), word(), word(), word(), word());
    Origin { user, session_id, version: version.parse().ok(), address_text: word() }
}

/// An `m=` line, and whether all of it could be read.
fn media(value: &str) -> (MediaDescription, bool) {
    let mut words = value.split_ascii_whitespace();
    let kind = words.next().unwrap_or_default().to_owned();
    let ports = words.next().unwrap_or_default();
    let (port, count) = ports.split_once('/').unwrap_or((ports, "1"));
    let (port, count) = (port.parse(), count.parse());
    let proto = words.next().unwrap_or_default().to_owned();
    let formats: Vec<String> = words.map(str::to_owned).collect();
    let whole = port.is_ok() && count.is_ok() && !formats.is_empty();
    let (port, port_count) = (port.unwrap_or(0), count.unwrap_or(1));
    (MediaDescription { kind, port, port_count, proto, formats, ..MediaDescription::default() }, whole)
}

/// Attributes of a media section; false when one that is known cannot be read.
fn own(media: &mut MediaDescription, name: &[u8], value: &str) -> bool {
    match name {
        b"rtpmap" => return rtpmap(value).map(|codec| media.codecs.push(codec)).is_some(),
        b"candidate" => return candidate::read(value).map(|candidate| media.candidates.push(candidate)).is_some(),
        b"rtcp" => return rtcp(value).map(|rtcp| media.rtcp = Some(rtcp)).is_some(),
        b"rtcp-mux" => media.rtcp_mux = true,
        b"crypto" => media.crypto.push(crypto::read(value)),
        b"mid" => media.mid = Some(value.to_owned()),
        b"ptime" => media.ptime = value.parse().ok(),
        b"fmtp" => {
            let (format, params) = value.split_once(' ').unwrap_or((value, ""));
            media.fmtp.push((format.to_owned(), params.trim().to_owned()));
        }
        _ => {}
    }
    true
}

fn rtpmap(value: &str) -> Option<Rtpmap> {
    let at = value.bytes().position(|byte| byte.is_ascii_whitespace())?;
    let payload_type = value.get(..at)?.parse().ok()?;
    let mut parts = trimmed(value.get(at + 1..)?).split('/');
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let clock_rate = parts.next().and_then(|rate| rate.parse().ok()).unwrap_or(0);
    let channels = parts.next().and_then(|channels| channels.parse().ok()).unwrap_or(1);
    Some(Rtpmap { payload_type, name, clock_rate, channels })
}

pub(super) fn rtcp(value: &str) -> Option<(Option<IpAddr>, u16)> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok()?;
    Some((words.nth(2).and_then(|address| address.parse().ok()), port))
}
