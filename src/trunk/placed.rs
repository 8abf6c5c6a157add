//! The calls that an SBC placed: its INVITEs outside a dialog to Microsoft, in the order sent, with what became of each. Calls end in
//! another order than they begin, so what is gathered is sorted; it is the same in whatever parts it is gathered.

use super::Parties;
use super::reach::{Reach, put};
use super::service::{Name, Service};
use crate::flow::Seen;
use crate::record::Seq;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

/// Calls that are remembered of each SBC; before that many nothing is let go.
const MOST_CALLS: usize = 8192;
/// Calls of the trunk side that wait, and calls sent elsewhere.
const MOST_BESIDE: usize = 512;
/// Calls with one called number that are looked at around one of them.
const MOST_TRIES: usize = 32;
/// What is so much older than the newest call is tidied up when there are too many: the leg of a call that failed closes 32 s and 40 s
/// later, and waits up to 300 s for the other legs of its call.
const SETTLED: Span = Span::secs(450);
/// A call that failed is tried again within so long, three names with Timer B each (RFC 3261 section 17.1.1.2).
const TRIED_WITHIN: Span = Span::secs(96);

/// A final response of Microsoft's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Where.
    pub seen: Seen,
    /// Its start line.
    pub line: String,
    /// It has a Retry-After, and its seconds where they are a number.
    pub retry_after: Option<Option<u32>>,
    /// Its Reason header as written, where it says that no endpoint of the callee was found.
    pub no_endpoints: Option<String>,
}

/// The leg on the trunk side that the SBC received before it placed the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkLeg {
    /// Hash of its Call-ID.
    pub call: u64,
    /// When it ended, as far as it did.
    pub ended: Option<Timestamp>,
    /// When the caller gave up: CANCEL or BYE.
    pub hung_up: Option<Timestamp>,
}

/// An INVITE outside a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Where it was seen.
    pub seen: Seen,
    /// Its start line.
    pub line: String,
    /// Microsoft's end.
    pub to: SocketAddr,
    /// The name of the service that it went to: by its connection's ClientHello, else by its Request-URI.
    pub name: Option<Name>,
    /// Hash of its Call-ID.
    pub call: u64,
    /// Hash of the caller's number; `None` for one that is hidden.
    pub caller: Option<u64>,
    /// Hash of the called number.
    pub called: Option<u64>,
    /// What Microsoft sends on the same connection is in the capture, without gaps.
    pub heard: bool,
    /// Any response came, 100 included, or something else of Microsoft's in that call.
    pub responded: bool,
    /// Microsoft took it: a 2xx, or a provisional response other than 100.
    pub accepted: bool,
    /// The final response.
    pub answer: Option<Answer>,
    /// When the SBC cancelled it.
    pub cancelled: Option<Timestamp>,
    /// The leg that it came of, where the call has one.
    pub trunk: Option<TrunkLeg>,
    /// When the SBC sent the call to somebody else than Microsoft.
    pub elsewhere: Option<Timestamp>,
}

impl Placed {
    /// The caller gave up: who sends the call need not go on.
    pub fn is_given_up(&self) -> bool {
        self.cancelled.is_some() || self.trunk.is_some_and(|trunk| trunk.hung_up.is_some())
    }

    /// It failed, or nothing came back: what follows on it may matter.
    fn is_of_interest(&self) -> bool {
        !self.accepted || self.answer.as_ref().is_some_and(|answer| answer.status >= 400)
    }

    /// Both are tries of one call: of one leg on the trunk side, else of one Call-ID, else with the same numbers.
    pub fn is_same_call(&self, other: &Placed) -> bool {
        let trunks = self.trunk.zip(other.trunk).map(|(one, other)| one.call == other.call);
        let callers = self.caller.zip(other.caller).is_some_and(|(one, other)| one == other);
        self.called == other.called && (self.call == other.call || trunks.unwrap_or(callers))
    }
}

/// A call of the trunk side that the SBC has not sent on anywhere, or one that it sent elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Its INVITE.
    pub seen: Seen,
    /// The start line of that.
    pub line: String,
    /// Until when it waited: its end, else its last message.
    pub until: Timestamp,
    /// Hash of the called number.
    pub called: Option<u64>,
}

/// The calls that an SBC placed, and what is known of the ways to Microsoft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedCalls {
    /// The calls, in order of Seq.
    pub calls: Vec<Placed>,
    /// Calls that were let go, since there were too many at a time.
    pub let_go: u64,
    /// Times of the first and the last of them.
    gap: Option<(Timestamp, Timestamp)>,
    /// Calls that Microsoft took, all that there were.
    pub accepted: u64,
    /// All calls by the name that they went to.
    pub by_name: BTreeMap<Name, u64>,
    /// Names and health of the service.
    pub service: Service,
    /// Connections with Microsoft.
    pub reach: Reach,
    /// Calls that the SBC received and sent on to nobody, where the topology has the SBC; in order of Seq.
    pub waiting: BTreeMap<Seq, Beside>,
    /// Calls that it sent to others than Microsoft, likewise.
    pub elsewhere: BTreeMap<Seq, Beside>,
}

impl PlacedCalls {
    /// Takes in a call.
    pub fn call(&mut self, placed: Placed) {
        self.accepted += u64::from(placed.accepted);
        if let Some(name) = placed.name {
            *self.by_name.entry(name).or_default() += 1;
        }
        let at = self.calls.partition_point(|known| known.seen.seq <= placed.seen.seq);
        self.calls.insert(at, placed);
        self.tidy();
    }

    /// It says only what goes on beside Microsoft: of an SBC that is not seen to speak with it.
    pub fn is_beside(&self) -> bool {
        let none = || PlacedCalls { waiting: BTreeMap::new(), elsewhere: BTreeMap::new(), ..self.clone() } == PlacedCalls::default();
        self.calls.is_empty() && self.reach.links().next().is_none() && none()
    }

    /// Takes in a connection that is over, or as far as it came.
    pub fn connection(&mut self, parties: &Parties<'_>, clock: Timestamp) {
        self.reach.connection(parties, clock);
        self.service.connection(parties);
    }

    /// Takes in a call that waits at the SBC.
    pub fn waits(&mut self, beside: Beside) {
        put(&mut self.waiting, beside.seen.seq, beside, MOST_BESIDE);
    }

    /// Takes in a call that the SBC sends to somebody else.
    pub fn goes_elsewhere(&mut self, beside: Beside) {
        put(&mut self.elsewhere, beside.seen.seq, beside, MOST_BESIDE);
    }

    /// Takes in what was gathered beside it.
    pub fn merge(&mut self, other: PlacedCalls) {
        self.let_go += other.let_go;
        other.gap.into_iter().for_each(|(first, last)| self.lacks(first, last));
        self.accepted += other.accepted;
        for (name, n) in other.by_name {
            *self.by_name.entry(name).or_default() += n;
        }
        if !other.calls.is_empty() {
            self.calls.extend(other.calls);
            // Both halves are in order already.
            self.calls.sort_by_key(|call| call.seen.seq);
            self.tidy();
        }
        self.service.merge(other.service);
        self.reach.merge(other.reach);
        other.waiting.into_values().for_each(|beside| self.waits(beside));
        other.elsewhere.into_values().for_each(|beside| self.goes_elsewhere(beside));
    }

    /// Where there are too many calls, lets go of those that nothing can follow on any more; then of the latest.
    fn tidy(&mut self) {
        if self.calls.len() <= MOST_CALLS {
            return;
        }
        let newest = self.calls.iter().map(|call| call.seen.at).max().unwrap_or_default();
        let mut last_failed: HashMap<Option<u64>, Timestamp> = HashMap::new();
        self.calls.retain(|call| {
            let follows = last_failed.get(&call.called).is_some_and(|failed| call.seen.at - *failed <= TRIED_WITHIN);
            if call.is_of_interest() {
                last_failed.insert(call.called, call.seen.at);
            }
            follows || call.is_of_interest() || newest - call.seen.at <= SETTLED
        });
        let over = self.calls.split_off(self.calls.len().min(MOST_CALLS));
        self.let_go += over.len() as u64;
        over.iter().for_each(|call| self.lacks(call.seen.at, call.seen.at));
    }

    fn lacks(&mut self, first: Timestamp, last: Timestamp) {
        let known = self.gap.unwrap_or((first, last));
        self.gap = Some((known.0.min(first), known.1.max(last)));
    }

    /// The calls with what is around each.
    pub fn tries(&self) -> Tries<'_> {
        let mut by_called: HashMap<Option<u64>, Vec<usize>> = HashMap::new();
        for (place, call) in self.calls.iter().enumerate() {
            by_called.entry(call.called).or_default().push(place);
        }
        Tries { calls: &self.calls, by_called }
    }

    /// Calls of this time may be among those that were let go.
    pub fn is_beyond(&self, from: Timestamp, until: Timestamp) -> bool {
        self.gap.is_some_and(|(first, last)| first <= until && last >= from)
    }
}

/// The calls by called number.
#[derive(Debug)]
pub struct Tries<'p> {
    calls: &'p [Placed],
    by_called: HashMap<Option<u64>, Vec<usize>>,
}

impl<'p> Tries<'p> {
    /// The calls to the same number after this one, until this time.
    pub fn after(&self, call: &Placed, until: Timestamp) -> impl Iterator<Item = &'p Placed> {
        let seq = call.seen.seq;
        let alike = self.alike(call);
        let from = alike.partition_point(|place| self.calls.get(*place).is_some_and(|other| other.seen.seq <= seq));
        let later = alike.get(from..).unwrap_or_default().iter().take(MOST_TRIES).filter_map(|place| self.calls.get(*place));
        later.filter(move |other| other.seen.at <= until).collect::<Vec<_>>().into_iter()
    }

    /// The tries of the same call before this one, the last first.
    pub fn before(&self, call: &Placed) -> impl Iterator<Item = &'p Placed> {
        let alike = self.alike(call);
        let until = alike.partition_point(|place| self.calls.get(*place).is_some_and(|other| other.seen.seq < call.seen.seq));
        let earlier = alike.get(..until).unwrap_or_default().iter().rev().take(MOST_TRIES).filter_map(|place| self.calls.get(*place));
        let fits = |other: &&Placed| call.seen.at - other.seen.at <= TRIED_WITHIN && call.is_same_call(other);
        earlier.filter(fits).collect::<Vec<_>>().into_iter()
    }

    fn alike(&self, call: &Placed) -> &[usize] {
        self.by_called.get(&call.called).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::support::{A, B, message};

    /// A call at so many seconds from caller to called, answered with a status.
    fn call(at: i64, called: u64, status: u16) -> Placed {
        let message = message(at * 1000, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", "");
        let seen = message.seen();
        let answer = Answer { status, seen, line: String::new(), retry_after: None, no_endpoints: None };
        Placed {
            seen,
            line: String::new(),
            to: message.dst(),
            name: Some(Name::Sip),
            call: at as u64,
            caller: Some(1),
            called: Some(called),
            heard: true,
            responded: true,
            accepted: status < 300,
            answer: Some(answer),
            cancelled: None,
            trunk: None,
            elsewhere: None,
        }
    }

    fn of(calls: impl IntoIterator<Item = Placed>) -> PlacedCalls {
        let mut placed = PlacedCalls::default();
        calls.into_iter().for_each(|call| placed.call(call));
        placed
    }

    #[test]
    fn calls_are_in_order_however_they_are_gathered() {
        let calls = |places: &[i64]| of(places.iter().map(|at| call(*at, 7, if at % 2 == 0 { 200 } else { 503 })));
        let all = calls(&[1, 2, 3, 4, 5]);
        for (one, other) in
            [(calls(&[5, 1]), calls(&[4, 2, 3])), (calls(&[2, 3, 4]), calls(&[5, 1])), (calls(&[]), calls(&[3, 5, 1, 4, 2]))]
        {
            let mut merged = one;
            merged.merge(other);
            assert_eq!(merged, all);
        }
        assert_eq!((all.accepted, all.by_name[&Name::Sip]), (2, 5));
    }

    #[test]
    fn of_too_many_those_go_that_nothing_follows_on() {
        let most = MOST_CALLS as i64;
        // One refused call and its next try stand among many that were taken.
        let mut calls: Vec<Placed> = (0..most).map(|at| call(at, 1, 200)).collect();
        calls.push(call(50, 2, 503));
        calls.push(call(60, 2, 200));
        calls.push(call(most + 1, 1, 200));
        let placed = of(calls);
        assert!(placed.calls.len() < 1_000 && placed.let_go == 0, "{}", placed.calls.len());
        let kept: Vec<u64> = placed.calls.iter().filter(|call| call.called == Some(2)).map(|call| call.call).collect();
        assert_eq!((kept, placed.accepted), (vec![50, 60], MOST_CALLS as u64 + 2));
    }

    #[test]
    fn what_is_let_go_is_known_by_its_time() {
        let calls = (0..MOST_CALLS as i64 + 10).map(|at| call(at / 100, 1, 503));
        let placed = of(calls);
        let last = Timestamp(MOST_CALLS as i64 / 100 * 1_000_000_000);
        assert_eq!((placed.calls.len(), placed.let_go), (MOST_CALLS, 10));
        assert!(placed.is_beyond(last, last + Span::secs(1)) && !placed.is_beyond(Timestamp(0), Timestamp(5)));
    }

    #[test]
    fn tries_of_one_call_agree_in_the_leg_before_or_in_numbers() {
        let leg = |call| Some(TrunkLeg { call, ended: None, hung_up: None });
        let (one, two) = (call(0, 7, 503), call(1, 7, 200));
        assert!(one.is_same_call(&two) && !one.is_same_call(&call(1, 8, 200)));
        let other_caller = Placed { caller: Some(2), ..two.clone() };
        assert!(!one.is_same_call(&other_caller));
        let [mine, same, new] = [leg(1), leg(1), leg(2)];
        assert!(Placed { trunk: mine, ..one.clone() }.is_same_call(&Placed { trunk: same, ..other_caller }));
        assert!(!Placed { trunk: mine, ..one }.is_same_call(&Placed { trunk: new, ..two }));
    }

    #[test]
    fn tries_stand_before_and_after_a_call() {
        let placed = of([call(0, 7, 503), call(10, 7, 503), call(12, 9, 200), call(20, 7, 200), call(500, 7, 200)]);
        let tries = placed.tries();
        let ids = |calls: Vec<&Placed>| calls.iter().map(|call| call.call).collect::<Vec<_>>();
        let middle = &placed.calls[1];
        assert_eq!(ids(tries.after(middle, middle.seen.at + Span::secs(32)).collect()), [20]);
        assert_eq!((ids(tries.before(middle).collect()), ids(tries.before(&placed.calls[4]).collect())), (vec![0], vec![]));
    }
}
