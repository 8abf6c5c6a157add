//! Sets of time, and what an SBC's keep-alive history says of them.

use crate::finding::Evidence;
use crate::time::{Span, Timestamp};
use crate::trunk::{KeepAlive, Mark, Stretch};

/// A trunk that is silent for so long is demoted (Microsoft, Direct Routing, what's new: trunk demoting logic).
pub const DEMOTED: Span = Span::secs(300);

/// Why SIP was not read.
pub const ENCRYPTED: &str = "SIP is encrypted, and nobody could read it";
/// Why nobody knows what the SBC sent.
pub const UNHEARD: &str = "nothing that the SBC sends to Microsoft is in the capture";
/// Why nobody knows all that it sent.
pub const HOLED: &str = "bytes of the SBC's connections with Microsoft are missing";
/// Why nobody knows all that it sent, either.
pub const TOO_MANY: &str = "the SBC sends more kinds of OPTIONS than are remembered";

/// Stretches of time in order that do not overlap; each with both its ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times(Vec<(Timestamp, Timestamp)>);

impl Times {
    /// All of these.
    pub fn of<'s>(stretches: impl Iterator<Item = &'s Stretch>) -> Self {
        Self::union(stretches.map(|stretch| (stretch.first.at, stretch.last.at)).collect())
    }

    /// All of these.
    pub fn union(mut pieces: Vec<(Timestamp, Timestamp)>) -> Self {
        pieces.sort_unstable();
        let mut joined: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(pieces.len());
        for (from, until) in pieces {
            match joined.last_mut() {
                Some((_, last)) if *last >= from => *last = until.max(*last),
                _ => joined.push((from, until)),
            }
        }
        Self(joined)
    }

    /// These without `others`: what is left, in order. What begins or ends at one of these has that end.
    pub fn without(&self, others: &Times) -> Times {
        let mut left = Vec::new();
        let mut others = others.0.iter().peekable();
        for (from, until) in &self.0 {
            let mut from = *from;
            while others.next_if(|(_, last)| *last < from).is_some() {}
            while let Some((first, last)) = others.peek().filter(|(first, _)| first <= until) {
                if *first > from {
                    left.push((from, *first));
                }
                from = from.max(*last);
                if *last > *until {
                    break;
                }
                others.next();
            }
            if from < *until {
                left.push((from, *until));
            }
        }
        Self(left)
    }

    /// Both.
    pub fn and(mut self, others: Times) -> Times {
        self.0.extend(others.0);
        Self::union(self.0)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.0.iter().copied()
    }

    /// The length of the longest.
    pub fn longest(&self) -> Span {
        self.iter().map(|(from, until)| until - from).max().unwrap_or_default()
    }

    /// All of the time from `from` until `until` is in one of these.
    pub fn cover(&self, from: Timestamp, until: Timestamp) -> bool {
        self.iter().any(|(first, last)| first <= from && until <= last)
    }

    /// Some moment between the two is in one of these.
    pub fn touch(&self, from: Timestamp, until: Timestamp) -> bool {
        self.iter().any(|(first, last)| first < until && from < last)
    }
}

/// When OPTIONS were sent: whatever target they were for.
pub fn probed(alive: &KeepAlive) -> Times {
    Times::of(alive.probes.values().flat_map(|probes| probes.runs.iter()))
}

/// When nobody knows what the SBC sent although its connections were seen.
pub fn dark(alive: &KeepAlive) -> Times {
    let lost = alive.lost_from.map(|from| (from, Timestamp(i64::MAX)));
    Times::of(alive.busy.iter().chain(alive.holed.iter())).and(Times::union(lost.into_iter().collect()))
}

/// Why the history is too dark to say anything.
pub fn lack(alive: &KeepAlive) -> &'static str {
    match () {
        () if !alive.busy.is_empty() => ENCRYPTED,
        () if !alive.holed.is_empty() => HOLED,
        () => TOO_MANY,
    }
}

/// Nothing was seen of the SBC that could be judged: why.
pub fn unread(alive: &KeepAlive) -> Option<&'static str> {
    let reasons = [(!alive.sealed.is_empty(), ENCRYPTED), (!alive.holed.is_empty(), HOLED), (alive.unheard, UNHEARD)];
    reasons.into_iter().find(|(holds, _)| *holds).map(|(_, why)| why)
}

/// A mark as evidence.
pub fn proof(mark: &Mark, excerpt: impl Into<String>) -> Evidence {
    Evidence { id: mark.id, seq: mark.seq, at: mark.at, excerpt: excerpt.into() }
}

/// A length in whole seconds.
pub fn seconds(span: Span) -> i64 {
    span.0 / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(pieces: &[(i64, i64)]) -> Times {
        Times::union(pieces.iter().map(|(from, until)| (Timestamp(*from), Timestamp(*until))).collect())
    }

    #[test]
    fn a_union_is_in_order_and_does_not_overlap() {
        assert_eq!(times(&[(50, 60), (0, 10), (5, 20), (20, 30)]), times(&[(0, 30), (50, 60)]));
        assert_eq!(times(&[(0, 10)]).and(times(&[(5, 7), (20, 20)])), times(&[(0, 10), (20, 20)]));
    }

    #[test]
    fn what_is_taken_out_leaves_the_gaps() {
        let whole = times(&[(0, 100), (200, 300)]);
        assert_eq!(whole.without(&times(&[(0, 0), (40, 60), (90, 210), (300, 300)])), times(&[(0, 40), (60, 90), (210, 300)]));
        assert_eq!(whole.without(&times(&[(-5, 500)])), Times::default());
        assert_eq!(whole.without(&Times::default()), whole);
        assert_eq!(whole.without(&times(&[(50, 250)])), times(&[(0, 50), (250, 300)]));
        assert_eq!(whole.without(&times(&[(100, 200)])), whole);
    }

    #[test]
    fn covered_is_in_one_piece_and_touched_in_any() {
        let whole = times(&[(0, 100), (200, 300)]);
        assert!(whole.cover(Timestamp(0), Timestamp(100)) && !whole.cover(Timestamp(50), Timestamp(250)));
        assert!(whole.touch(Timestamp(50), Timestamp(150)) && !whole.touch(Timestamp(100), Timestamp(200)));
    }
}
