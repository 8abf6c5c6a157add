//! What one record alone does not tell, put together serially in record order: datagrams from their fragments, tunnel in tunnel, and
//! compressed payload. What is made takes the place of the record that completed it.

use super::Engine;
use super::chunk::{Chunk, Slot, record_id};
use super::fragment::{self, Arrival, Datagram, Expired, Taken};
use super::taps::View;
use crate::decode::{self, Agent, Decoded, Fragment, FragmentKey, Outer, Transport};
use crate::error::Undecoded;
use crate::record::{Head, Seq, Window};

/// Tunnels in fragments within tunnels in fragments: a frame that nests deeper was made to.
const MAX_DEPTH: usize = 16;

/// A packet that is not all in one record, or not as it stands there.
pub struct Joined {
    place: Place,
    view: View,
    agent: Option<Box<Agent>>,
    made: Made,
    /// Given up when another came, and comes before the record's own packet.
    front: bool,
}

/// The record where a packet belongs.
#[derive(Clone, Copy)]
struct Place {
    head: Head,
    index: u32,
}

impl Joined {
    /// The bytes that were put together: a datagram, or a payload.
    pub fn bytes(&self) -> &[u8] {
        match &self.made {
            Made::Datagram(datagram) => &datagram.payload,
            Made::Payload { bytes, .. } => bytes,
        }
    }

    /// The datagram, if it came in fragments.
    pub fn datagram(&self) -> Option<&Datagram> {
        match &self.made {
            Made::Datagram(datagram) => Some(datagram),
            Made::Payload { datagram, .. } => datagram.as_deref(),
        }
    }
}

/// What was made.
enum Made {
    /// A datagram, in which a transport header can be read.
    Datagram(Box<Datagram>),
    /// A payload, taken out of `datagram` if that came in fragments.
    Payload { transport: Transport<'static>, bytes: Vec<u8>, datagram: Option<Box<Datagram>> },
}

/// Takes all fragments and compressed payloads of a window.
pub fn join(engine: &mut Engine, window: &Window, chunk: &mut Chunk) -> Vec<Joined> {
    let mut joined = Vec::new();
    for (index, view, fragment, lies) in std::mem::take(&mut chunk.fragments) {
        let (Some(head), Some(record)) = (window.heads.get(index as usize), window.record(index as usize)) else { continue };
        let fragment = Fragment { payload: lies.within(record.bytes), ..fragment };
        let arrival = Arrival {
            seq: Seq(window.first.0 + u64::from(index)),
            id: record_id(head),
            at: head.at,
            clock: head.clock,
            view: chunk.views.get(usize::from(view)).copied().unwrap_or_default(),
        };
        let place = Place { head: *head, index };
        Joining { engine, place, joined: &mut joined }.take(&arrival, &fragment, None, 0);
    }
    for (index, view, transport, lies) in std::mem::take(&mut chunk.deflated) {
        let (Some(head), Some(record)) = (window.heads.get(index as usize), window.record(index as usize)) else { continue };
        let transport = Transport { payload: lies.within(record.bytes), ..transport };
        let view = chunk.views.get(usize::from(view)).copied().unwrap_or_default();
        let agent = chunk.agents.remove(&index).map(Box::new);
        let place = Place { head: *head, index };
        Joining { engine, place, joined: &mut joined }.inflate(&transport, view, agent, None);
    }
    joined
}

/// Puts what was joined into the chunk, where it is applied.
pub fn place(engine: &mut Engine, joined: &[Joined], chunk: &mut Chunk) {
    for (number, join) in (0..).zip(joined) {
        let transport = match &join.made {
            Made::Datagram(datagram) => match open(datagram, &mut Outer::default()) {
                Decoded::Transport(transport) => transport,
                _ => continue,
            },
            Made::Payload { transport, bytes, .. } => Transport { payload: bytes, ..*transport },
        };
        engine.taps.seen_in(join.view.tap, join.place.head.input);
        let mut slot = Slot::new(&join.place.head, join.place.index, chunk.late_view(join.view), &transport, join.bytes());
        (slot.joined, slot.front) = (Some(number), join.front);
        if let Some(agent) = &join.agent {
            slot.at = agent.at.unwrap_or(slot.at);
            chunk.agents.insert(join.place.index, (**agent).clone());
        }
        chunk.slot(slot);
        chunk.has_joined = true;
    }
}

/// Counts the records of a datagram that was given up; gives its front if a packet can be read in it, with that packet's view.
pub fn account(engine: &mut Engine, expired: Expired) -> Option<(Box<Datagram>, View)> {
    engine.ledger.lose(fragment::provisional(expired.key.protocol), expired.why, expired.n_lost);
    engine.ledger.duplicates += expired.n_copies;
    engine.ledger.evicted += u64::from(expired.evicted);
    let datagram = expired.datagram?;
    let provisional = fragment::provisional(datagram.key.protocol);
    let mut outer = engine.taps.outer(datagram.arrival.view);
    match open(&datagram, &mut outer) {
        Decoded::Transport(transport) => {
            // Its last record is counted again, with the packet.
            engine.ledger.take_back(provisional, 1);
            let inner = fragment::provisional(transport.flow.protocol());
            engine.ledger.recount(provisional, inner, datagram.n_held.saturating_sub(1));
            let view = engine.taps.view(&outer, datagram.arrival.view);
            return Some((datagram, view));
        }
        Decoded::Other(kind) => engine.ledger.recount(provisional, kind, datagram.n_held),
        Decoded::Fragment(_) | Decoded::Deflated(_) => engine.ledger.lose(provisional, expired.why, datagram.n_held),
        Decoded::Undecoded(why) => engine.ledger.lose(provisional, why, datagram.n_held),
    }
    None
}

/// Reads on in a datagram that was seen with `outer` around its fragments.
pub fn open<'d>(datagram: &'d Datagram, outer: &mut Outer) -> Decoded<'d> {
    decode::open_datagram(&datagram.key, datagram.link, &datagram.payload, datagram.cut, outer)
}

/// The joining of one record's bytes.
struct Joining<'j> {
    engine: &'j mut Engine,
    place: Place,
    joined: &'j mut Vec<Joined>,
}

impl Joining<'_> {
    /// Takes a fragment, which came `inside` a datagram if it is a tunnel's; those records are counted as `provisional` of its protocol,
    /// but for the last.
    fn take(&mut self, arrival: &Arrival, fragment: &Fragment<'_>, inside: Option<&Datagram>, depth: usize) {
        let mut gone = Vec::new();
        let taken = self.engine.reassembler.take(arrival, fragment, inside, &mut gone);
        for expired in gone {
            let front = account(self.engine, expired);
            self.joined.extend(front.map(|(datagram, view)| self.made(Made::Datagram(datagram), view, None, true)));
        }
        let kind = fragment::provisional(fragment.key.protocol);
        if let Some(outer) = inside {
            self.engine.ledger.recount(fragment::provisional(outer.key.protocol), kind, outer.n_held);
        }
        match taken {
            Taken::Held { duplicate } => {
                self.engine.ledger.count(kind, 1);
                self.engine.ledger.duplicates += u64::from(duplicate);
            }
            Taken::Complete(datagram) => self.read_on(arrival, datagram, depth),
            Taken::Refused(why) => self.lose(&fragment.key, inside.map_or(0, |outer| outer.n_held), why),
        }
    }

    fn read_on(&mut self, arrival: &Arrival, datagram: Box<Datagram>, depth: usize) {
        let provisional = fragment::provisional(datagram.key.protocol);
        let mut outer = self.engine.taps.outer(arrival.view);
        let decoded = open(&datagram, &mut outer);
        let view = self.engine.taps.view(&outer, arrival.view);
        match decoded {
            Decoded::Transport(transport) => {
                let inner = fragment::provisional(transport.flow.protocol());
                self.engine.ledger.recount(provisional, inner, datagram.n_held);
                let joined = self.made(Made::Datagram(datagram), view, outer.agent, false);
                self.joined.push(joined);
            }
            Decoded::Other(kind) => {
                self.engine.ledger.count(kind, 1);
                self.engine.ledger.recount(provisional, kind, datagram.n_held);
            }
            Decoded::Undecoded(why) => self.lose(&datagram.key, datagram.n_held, why),
            _ if depth >= MAX_DEPTH => self.lose(&datagram.key, datagram.n_held, Undecoded::new("decode", "more than 16 layers")),
            Decoded::Fragment(inner) => self.take(&Arrival { view, ..*arrival }, &inner, Some(&datagram), depth + 1),
            Decoded::Deflated(transport) => self.inflate(&transport, view, outer.agent, Some(&datagram)),
        }
    }

    /// Takes a payload that is compressed; it came in `datagram` if that came in fragments.
    fn inflate(&mut self, transport: &Transport<'_>, view: View, agent: Option<Box<Agent>>, datagram: Option<&Datagram>) {
        let held = datagram.map_or(0, |datagram| datagram.n_held);
        let Some(bytes) = decode::inflate(transport.payload) else {
            let why = Undecoded::new("hep", "compressed payload cannot be read");
            return match datagram {
                Some(datagram) => self.lose(&datagram.key, held, why),
                None => self.engine.ledger.undecoded(why),
            };
        };
        if let Some(datagram) = datagram {
            let inner = fragment::provisional(transport.flow.protocol());
            self.engine.ledger.recount(fragment::provisional(datagram.key.protocol), inner, held);
        }
        let transport = Transport { payload: &[], ..*transport };
        let datagram = datagram.map(|datagram| Box::new(datagram.clone()));
        let joined = self.made(Made::Payload { transport, bytes, datagram }, view, agent, false);
        self.joined.push(joined);
    }

    fn made(&self, made: Made, view: View, agent: Option<Box<Agent>>, front: bool) -> Joined {
        Joined { place: self.place, view, agent, made, front }
    }

    /// The record cannot be read, and neither can those that were held for it.
    fn lose(&mut self, key: &FragmentKey, n_held: u64, why: Undecoded) {
        self.engine.ledger.undecoded(why);
        self.engine.ledger.lose(fragment::provisional(key.protocol), why, n_held);
    }
}
