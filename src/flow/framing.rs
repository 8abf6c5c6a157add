//! Content-Length where it frames messages, on TCP and TLS (RFC 3261 section 18.3): messages whose end it does not tell.

use super::Seen;
use crate::proto::sip::Sip;
use serde::{Deserialize, Serialize};

/// Faults kept of one direction; a sender that makes one makes it always.
const MOST: usize = 8;

/// What is wrong with the Content-Length of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FramingFault {
    /// There is none, or no number, and a body or another message follows.
    Missing,
    /// What follows so many bytes of body is no message, and no keep-alive; or another Content-Length says something else.
    Wrong(u32),
}

/// A message with such a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misframed {
    /// The record that completed it.
    pub seen: Seen,
    /// What is wrong.
    pub fault: FramingFault,
}

/// What is known of the messages of one direction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Framed {
    /// The message that was read last and its Content-Length, as long as nothing was lost behind it.
    last: Option<(Seen, Option<u32>)>,
    /// Faults, at most [`MOST`].
    pub faults: Vec<Misframed>,
}

impl Framed {
    /// A message was read. `closed`: the bytes that there are end within it or behind it.
    pub fn message(&mut self, seen: Seen, sip: &Sip<'_>, closed: bool) {
        if let Some((before, None)) = self.last.take() {
            self.add(before, FramingFault::Missing);
        }
        if sip.head_cut() {
            return;
        }
        let body = sip.text.len() - (sip.index.body.at as usize).min(sip.text.len());
        match sip.index.content_length {
            None if body > 0 => self.add(seen, FramingFault::Missing),
            Some(length) if length as usize != body && !closed => self.add(seen, FramingFault::Wrong(length)),
            length if !closed => self.last = Some((seen, length)),
            _ => {}
        }
    }

    /// What follows the last message keeps the connection alive.
    pub fn keepalive(&mut self) {
        self.last = self.last.filter(|(_, length)| length.is_none());
    }

    /// What follows the last message is none.
    pub fn stray(&mut self) {
        match self.last.take() {
            Some((seen, Some(length))) => self.add(seen, FramingFault::Wrong(length)),
            Some((seen, None)) => self.add(seen, FramingFault::Missing),
            None => {}
        }
    }

    /// Bytes are missing behind the last message: what follows says nothing of it.
    pub fn lose(&mut self) {
        self.last = None;
    }

    fn add(&mut self, seen: Seen, fault: FramingFault) {
        if self.faults.len() < MOST {
            self.faults.push(Misframed { seen, fault });
        }
    }
}
