//! BGP sessions as a tap sees them (port 179): the messages of each direction, read in order with little state. Each tap is read for
//! itself, since what is asked of a session is where it was seen. What was there before is passed over, and behind a gap reading goes on
//! at the next message.

use super::Seen;
use crate::decode::{Dir, FlowKey, Packet, TapId};
use crate::proto::bgp::{self, HEADER, Header, Kind, LONGEST, PORT, Update};
use crate::record::Seq;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Directions that are read at one time in a shard; of more, the one unheard for longest goes.
const MOST: usize = 64;
/// A number so far behind the one expected is of another connection; no window of BGP is as large.
const FAR: u32 = 1 << 20;

/// What a packet brought to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// The packet that ended it.
    pub seen: Seen,
    /// Who says it.
    pub from: IpAddr,
    /// To whom.
    pub to: IpAddr,
    /// What is said, in order; nothing by messages that only keep the session alive.
    pub said: Vec<Said>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A session opens or ends: what was announced before is void (RFC 4271 section 6).
    Anew,
    /// Routes come and go.
    Routes(Update),
}

/// One direction at one tap.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Reader {
    /// Sequence number of the next octet.
    next: u32,
    /// The begin of a message.
    kept: Vec<u8>,
    /// Octets to pass over: the rest of a message that is too long to keep.
    skip: usize,
    /// A message begins where reading goes on.
    in_step: bool,
    last: Seq,
}

/// The directions of a shard.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sessions(BTreeMap<(FlowKey, Dir, TapId), Reader>);

impl Sessions {
    /// Reads a packet, if it is of BGP.
    pub fn read(&mut self, packet: &Packet<'_>) -> Option<Routing> {
        let ports = packet.flow.ports();
        let tcp = packet.tcp.filter(|_| ports.0 == PORT || ports.1 == PORT)?;
        let key = (packet.flow, packet.dir, packet.tap);
        if tcp.syn() || tcp.rst() {
            self.0.remove(&key);
            return None;
        }
        if packet.payload.is_empty() {
            return None;
        }
        if !self.0.contains_key(&key) {
            // Whatever else uses the port costs nothing.
            Header::read(packet.payload)?;
            self.make_room();
            self.0.insert(key, Reader { next: tcp.seq, in_step: true, ..Reader::default() });
        }
        let reader = self.0.get_mut(&key)?;
        reader.last = packet.seq;
        let said = reader.take(tcp.seq, packet.payload)?;
        let (from, to) = packet.flow.from_to(packet.dir);
        Some(Routing { seen: Seen::of(packet), from: from.ip(), to: to.ip(), said })
    }

    fn make_room(&mut self) {
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, reader)| reader.last).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
    }
}

impl Reader {
    /// Takes a segment. What its messages say, if it brought any to an end.
    fn take(&mut self, sequence: u32, payload: &[u8]) -> Option<Vec<Said>> {
        let before = self.next.wrapping_sub(sequence);
        let new = match before {
            0..FAR => payload.get(before as usize..).filter(|new| !new.is_empty())?,
            _ => {
                (self.skip, self.in_step) = (0, false);
                self.kept.clear();
                payload
            }
        };
        self.next = sequence.wrapping_add(payload.len() as u32);
        let passed = self.skip.min(new.len());
        self.skip -= passed;
        let mut bytes = std::mem::take(&mut self.kept);
        bytes.extend(new.get(passed..).unwrap_or_default());
        let (at, said) = self.messages(&bytes);
        bytes.drain(..at);
        bytes.shrink_to(LONGEST);
        self.kept = bytes;
        said
    }

    /// Reads messages; what is left from the place given on is the begin of one.
    fn messages(&mut self, bytes: &[u8]) -> (usize, Option<Vec<Said>>) {
        let (mut at, mut said) = (0, None);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let header = match Header::read(rest) {
                Some(header) => header,
                None if self.in_step && rest.len() < HEADER => return (at, said),
                None => match bgp::find(rest) {
                    Some(n) => {
                        (at, self.in_step) = (at + n, true);
                        continue;
                    }
                    None => {
                        self.in_step = false;
                        return (bytes.len(), said);
                    }
                },
            };
            self.in_step = true;
            if let Some(message) = rest.get(..header.len) {
                said.get_or_insert_default().extend(says(header.kind, message.get(HEADER..).unwrap_or_default()));
                at += header.len;
            } else if header.len > LONGEST {
                self.skip = header.len - rest.len();
                return (bytes.len(), said);
            } else {
                return (at, said);
            }
        }
    }
}

fn says(kind: Kind, body: &[u8]) -> Option<Said> {
    match kind {
        Kind::Open | Kind::Notification => Some(Said::Anew),
        Kind::Update => Update::read(body).filter(|update| !update.announced.is_empty() || !update.withdrawn.is_empty()).map(Said::Routes),
        Kind::Keepalive | Kind::RouteRefresh => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPALIVE: [u8; 19] = [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 19, 4];

    /// An UPDATE that announces 192.0.2.0/24, `n` times, without a path.
    fn update(n: usize) -> Vec<u8> {
        let len = u16::try_from(HEADER + 4 + 4 * n).unwrap();
        [&KEEPALIVE[..16], &len.to_be_bytes(), &[2, 0, 0, 0, 0], &[24, 192, 0, 2].repeat(n)].concat()
    }

    fn reader() -> Reader {
        Reader { next: u32::MAX - 40, in_step: true, ..Reader::default() }
    }

    /// Announced prefixes of each segment that brought a message to its end.
    fn told(reader: &mut Reader, segments: &[(u32, &[u8])]) -> Vec<usize> {
        let count =
            |said: Vec<Said>| said.iter().map(|said| if let Said::Routes(update) = said { update.announced.len() } else { 0 }).sum();
        let first = u32::MAX - 40;
        segments.iter().filter_map(|(at, bytes)| reader.take(first.wrapping_add(*at), bytes)).map(count).collect()
    }

    #[test]
    fn messages_are_read_however_they_are_cut_into_segments() {
        let stream = [&KEEPALIVE[..], &update(2), &update(3), &KEEPALIVE].concat();
        for size in 1..=stream.len() {
            let segments: Vec<(u32, &[u8])> = stream.chunks(size).enumerate().map(|(n, part)| ((n * size) as u32, part)).collect();
            let mut reader = reader();
            assert_eq!(told(&mut reader, &segments).iter().sum::<usize>(), 5, "segments of {size}");
            assert!(reader.kept.is_empty());
        }
    }

    #[test]
    fn what_comes_again_in_whole_or_in_part_is_told_once() {
        let stream = [update(2), update(3)].concat();
        let split = update(2).len();
        let again = [(0, &stream[..split]), (0, &stream[..split]), (10, &stream[10..]), (split as u32, &stream[split..])];
        assert_eq!(told(&mut reader(), &again), [2, 3]);
    }

    #[test]
    fn behind_a_gap_reading_goes_on_at_the_next_message() {
        let stream = [update(2), update(3), update(4), update(5)].concat();
        let begin = update(2).len() as u32;
        let lost = [(0, &stream[..30]), (begin + 5, &stream[begin as usize + 5..])];
        assert_eq!(told(&mut reader(), &lost), [9]);
        // Another connection of the same ports whose SYN was not seen.
        assert_eq!(told(&mut reader(), &[(0, &stream), (1 << 30, &update(7)), (1 << 29, &update(8))]), [14, 7, 8]);
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_over() {
        let long = [update(1500), update(2)].concat();
        let segments: Vec<(u32, &[u8])> = long.chunks(1000).enumerate().map(|(n, part)| ((n * 1000) as u32, part)).collect();
        let mut reader = reader();
        assert_eq!(told(&mut reader, &segments), [2]);
        assert!(reader.kept.is_empty() && reader.skip == 0);
    }

    #[test]
    fn noise_is_borne_and_kept_small() {
        let mut reader = reader();
        for (n, noise) in [vec![0xff; 9000], vec![0; 9000], update(900), vec![0xff; 30]].into_iter().enumerate() {
            told(&mut reader, &[(n as u32 * 9000, &noise)]);
            assert!(reader.kept.len() <= LONGEST);
        }
    }

    #[test]
    fn opening_and_ending_make_anew() {
        let open = [&KEEPALIVE[..16], &[0, 29, 1], &[4, 0xfd, 0xe8, 0, 180, 10, 0, 0, 1, 0]].concat();
        let end = [&KEEPALIVE[..16], &[0, 21, 3], &[6, 2]].concat();
        let said = reader().take(u32::MAX - 40, &[open, end, KEEPALIVE.to_vec()].concat());
        assert_eq!(said, Some(vec![Said::Anew, Said::Anew]));
        assert_eq!(reader().take(u32::MAX - 40, &KEEPALIVE), Some(Vec::new()));
    }
}
