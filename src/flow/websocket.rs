//! SIP over WebSocket (RFC 7118): the frames of one direction put together to messages, each of which is one SIP message.

use super::Seen;
use super::tcp::Ordered;
use crate::proto::{sip, websocket};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use websocket::{Frame, Head, MAX_PAYLOAD, Opcode};

/// A SIP start line is shown by so many bytes of a frame.
const SHOWN: usize = 512;

/// Records that held something, with `true` for each that is named for the first time.
pub type Held = SmallVec<[(Seen, bool); 2]>;

/// A direction that carries WebSocket frames.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Assembly {
    /// Payload of the frames of the message under way.
    text: Vec<u8>,
    held: Held,
    /// A message is under way, compressed or not.
    begun: Option<bool>,
    /// Where frames begin is not known: a gap, or bytes that are no frame.
    astray: bool,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// A whole message and the records that held it.
    Message(Vec<u8>, Held),
    /// A message that is compressed (RFC 7692), which SIP does not ask for.
    Compressed(Held),
    /// Records that held a ping, a pong or a close.
    Control(Held),
    /// What is no frame, or more than a message may have, was given up.
    GaveUp,
}

/// Whether a frame begins `bytes` that holds the start of a SIP message, with nothing behind it that is no frame.
pub fn probe(bytes: &[u8]) -> bool {
    if !matches!(bytes.first(), Some(0x01 | 0x02 | 0x81 | 0x82)) {
        return false;
    }
    let Head::Frame(frame) = websocket::head(bytes) else { return false };
    let front = bytes.get(..bytes.len().min(frame.header + SHOWN)).unwrap_or_default();
    let consistent = bytes.get(frame.size()..).is_none_or(|rest| websocket::head(rest) != Head::Bad);
    consistent && sip::probe(&frame.payload_of(front))
}

impl Assembly {
    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.text.len() + self.held.len() * size_of::<(Seen, bool)>()
    }

    /// Bytes were lost: the message under way will not end, and frames may begin anywhere.
    pub fn lose(&mut self) {
        *self = Self { astray: true, ..Self::default() };
    }

    /// Reads one frame or finds where frames begin again; `None` when more bytes must come. `closed`: none will.
    pub fn read(&mut self, ordered: &mut Ordered, closed: bool) -> Option<Read> {
        loop {
            if self.astray && !self.find(ordered) {
                return None;
            }
            let readable = ordered.readable();
            let frame = match websocket::head(readable) {
                Head::Frame(frame) if frame.size() <= readable.len() => frame,
                Head::Frame(frame) if closed => return self.cut(frame, ordered),
                Head::More if closed => return self.end(),
                Head::More | Head::Frame(_) if !ordered.is_full() => return None,
                _ => {
                    self.lose();
                    ordered.drop_readable();
                    return Some(Read::GaveUp);
                }
            };
            let payload = frame.payload_of(readable);
            let held = ordered.consume(frame.size());
            if let Some(read) = self.take(frame, &payload, held) {
                return Some(read);
            }
        }
    }

    /// Goes to the next segment that begins with a frame of SIP; what comes before it is dropped.
    fn find(&mut self, ordered: &mut Ordered) -> bool {
        let found = ordered.segments().find(|at| ordered.readable().get(*at..).is_some_and(probe));
        match found {
            Some(at) => ordered.drop_front(at),
            None => ordered.drop_readable(),
        };
        self.astray = found.is_none();
        found.is_some()
    }

    fn take(&mut self, frame: Frame, payload: &[u8], held: Held) -> Option<Read> {
        match frame.opcode {
            Opcode::Control => return Some(Read::Control(held)),
            Opcode::Data => *self = Self { begun: Some(frame.compressed), ..Self::default() },
            Opcode::Continuation => {}
        }
        self.begun?;
        self.text.extend_from_slice(payload);
        self.held.extend(held);
        if self.text.len() as u64 > MAX_PAYLOAD || self.held.len() > super::tcp::MOST_SEGMENTS {
            *self = Self::default();
            return Some(Read::GaveUp);
        }
        if !frame.fin {
            return None;
        }
        self.end()
    }

    /// The message under way is as long as it is.
    fn end(&mut self) -> Option<Read> {
        let whole = std::mem::take(self);
        Some(if whole.begun? { Read::Compressed(whole.held) } else { Read::Message(whole.text, whole.held) })
    }

    /// The rest of this frame will not come: what is there is the message.
    fn cut(&mut self, frame: Frame, ordered: &mut Ordered) -> Option<Read> {
        let payload = frame.payload_of(ordered.readable());
        let held = ordered.consume(usize::MAX);
        let read = self.take(Frame { fin: true, ..frame }, &payload, held);
        self.lose();
        read
    }
}
