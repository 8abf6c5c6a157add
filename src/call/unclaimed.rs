//! Streams that no signalling announced: they wait for the other side of a NAT or relay, and are calls of their own without one.

use super::{LegId, relay};
use crate::flow::Stream;
use serde::{Deserialize, Serialize};

/// Unclaimed streams. Both sides of a relay fall silent together, but one may be handed out a sweep later.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Unclaimed {
    /// Of the batch under way.
    fresh: Vec<Box<Stream>>,
    /// Of the batch before.
    waiting: Vec<Box<Stream>>,
}

impl Unclaimed {
    /// Adds a stream of the batch under way.
    pub fn push(&mut self, stream: Box<Stream>) {
        self.fresh.push(stream);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.waiting.iter().chain(&self.fresh).map(|stream| &**stream)
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.waiting.iter_mut().chain(&mut self.fresh).map(|stream| &mut **stream)
    }

    /// Takes out those that `leg_of` gives a leg.
    pub fn claim(&mut self, leg_of: impl Fn(&Stream) -> Option<LegId>) -> Vec<(LegId, Box<Stream>)> {
        let mut claimed = Vec::new();
        for pool in [&mut self.waiting, &mut self.fresh] {
            let (taken, left): (Vec<_>, Vec<_>) =
                std::mem::take(pool).into_iter().map(|s| (leg_of(&s), s)).partition(|(leg, _)| leg.is_some());
            pool.extend(left.into_iter().map(|(_, stream)| stream));
            claimed.extend(taken.into_iter().filter_map(|(leg, stream)| Some((leg?, stream))));
        }
        claimed
    }

    /// Hands out the streams that waited long enough, or all, each path with its NATs and relays together. Streams that are not
    /// settled as RTP are no streams.
    pub fn release(&mut self, all: bool) -> Vec<Vec<Box<Stream>>> {
        let waited = self.waiting.len();
        let streams: Vec<Box<Stream>> = self.waiting.drain(..).chain(self.fresh.drain(..)).collect();
        let paths = relay::paths(&streams);
        let mut slots: Vec<Option<Box<Stream>>> = streams.into_iter().map(Some).collect();
        let mut released = Vec::new();
        for path in paths {
            let goes = all || path.iter().any(|i| *i < waited);
            let path = path.into_iter().filter_map(|i| slots.get_mut(i).and_then(Option::take)).filter(|stream| stream.counted_rtp);
            if goes { released.push(path.collect()) } else { self.waiting.extend(path) }
        }
        released
    }
}
