//! The rules of a run by what they look at: which are to be asked of a message is looked up by what it is.

use super::heeds::{Answer, Towards, answer};
use super::{Check, Ctx, Rule};
use crate::call::{Call, Leg, LegMessage, Start};
use crate::finding::Outcome;
use crate::flow::Connection;
use crate::path::{Hop, Routes};
use crate::proto::sip::Method;
use crate::trunk::TrunkHistory;
use std::net::IpAddr;

/// Place of a rule among those of a run.
pub type RuleIdx = u16;

/// A set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleSet([u64; 4]);

impl RuleSet {
    /// How many rules there may be.
    pub const MOST: usize = 256;

    /// Adds one.
    pub fn insert(&mut self, idx: RuleIdx) {
        if let Some(word) = self.0.get_mut(usize::from(idx / 64)) {
            *word |= 1 << (idx % 64);
        }
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// Takes out all of another.
    pub fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
    }

    /// It has this one.
    pub fn contains(&self, idx: RuleIdx) -> bool {
        self.0.get(usize::from(idx / 64)).is_some_and(|word| word >> (idx % 64) & 1 == 1)
    }

    /// It has none.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Its rules, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = RuleIdx> + use<> {
        self.0.into_iter().zip(0u16..).flat_map(|(word, n)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(n * 64 + bit as u16)
            })
        })
    }
}

/// A rule and its check.
pub type Asked<C> = (RuleIdx, &'static Rule, C);

type OfMessage = fn(&LegMessage, &Ctx<'_>) -> Outcome;
type OfConnection = fn(&Connection, &Ctx<'_>) -> Outcome;
type OfHop = fn(&Hop, &Ctx<'_>) -> Outcome;
type OfLeg = fn(&Leg, &Ctx<'_>) -> Outcome;
type OfCall = fn(&Call, &Ctx<'_>) -> Outcome;
type OfTrunk = fn(IpAddr, &TrunkHistory, &Ctx<'_>) -> Outcome;
type OfPaths = fn(&Routes, &Ctx<'_>) -> Outcome;

/// Kinds of messages on one way: requests by method, responses by method and by what they say.
const METHODS: usize = Method::Other as usize + 1;
const ANSWERS: usize = Answer::Unread as usize + 1;
const KINDS: usize = METHODS * (1 + ANSWERS);
const WAYS: usize = Towards::Elsewhere as usize + 1;

/// The rules of a run.
#[derive(Debug)]
pub struct Book {
    /// All, in order of id; by place.
    pub rules: Vec<&'static Rule>,
    /// Rules on legs.
    pub legs: Vec<Asked<OfLeg>>,
    /// Rules on calls.
    pub calls: Vec<Asked<OfCall>>,
    /// Rules on hops.
    pub hops: Vec<Asked<OfHop>>,
    /// Rules on connections.
    pub connections: Vec<Asked<OfConnection>>,
    /// Rules on connections that are no signalling.
    pub services: Vec<Asked<OfConnection>>,
    /// Rules on what a run shows of an SBC.
    pub trunks: Vec<Asked<OfTrunk>>,
    /// Rules on all flows together.
    pub paths: Vec<Asked<OfPaths>>,
    /// Checks of messages by place; of other rules none.
    messages: Vec<Option<OfMessage>>,
    /// Rules on messages by kind.
    by_kind: Vec<RuleSet>,
    /// What findings of each rule hide, by place.
    hides: Vec<RuleSet>,
}

impl Book {
    /// Of these rules, at most [`RuleSet::MOST`], in order of id.
    pub fn new(rules: &[&'static Rule]) -> Self {
        let mut book = Self {
            rules: rules.to_vec(),
            legs: Vec::new(),
            calls: Vec::new(),
            hops: Vec::new(),
            connections: Vec::new(),
            services: Vec::new(),
            trunks: Vec::new(),
            paths: Vec::new(),
            messages: vec![None; rules.len()],
            by_kind: vec![RuleSet::default(); WAYS * KINDS],
            hides: rules.iter().map(|rule| hidden_by(rule, rules)).collect(),
        };
        for (idx, rule) in (0..).zip(rules.iter().copied()) {
            book.add(idx, rule);
        }
        book
    }

    fn add(&mut self, idx: RuleIdx, rule: &'static Rule) {
        match rule.check {
            Check::Message(heeds, check) => {
                self.messages[usize::from(idx)] = Some(check);
                let kinds = self.by_kind.iter_mut().zip(kinds()).filter(|(_, (towards, start))| heeds.takes(*towards, *start));
                kinds.for_each(|(set, _)| set.insert(idx));
            }
            Check::Leg(check) => self.legs.push((idx, rule, check)),
            Check::Call(check) => self.calls.push((idx, rule, check)),
            Check::Hop(check) => self.hops.push((idx, rule, check)),
            Check::Path(check, whole) => {
                self.hops.push((idx, rule, check));
                self.paths.push((idx, rule, whole));
            }
            Check::Connection(check) => self.connections.push((idx, rule, check)),
            Check::Service(check) => self.services.push((idx, rule, check)),
            Check::Trunk(check) => self.trunks.push((idx, rule, check)),
        }
    }

    /// The rules to ask of a message that goes this way and begins so.
    pub fn of_message(&self, towards: Towards, start: Start) -> impl Iterator<Item = Asked<OfMessage>> {
        let kind = towards as usize * KINDS + kind_of(start);
        let set = self.by_kind.get(kind).copied().unwrap_or_default();
        set.iter().filter_map(|idx| {
            let at = usize::from(idx);
            Some((idx, *self.rules.get(at)?, (*self.messages.get(at)?)?))
        })
    }

    /// The rules on messages that are not to be asked of it: they would have nothing to say.
    pub fn left_out(&self, towards: Towards, start: Start) -> impl Iterator<Item = Asked<OfMessage>> {
        let asked: Vec<RuleIdx> = self.of_message(towards, start).map(|(idx, ..)| idx).collect();
        let all = (0..).zip(self.rules.iter().zip(&self.messages));
        all.filter_map(move |(idx, (rule, check))| Some((idx, *rule, (*check)?)).filter(|_| !asked.contains(&idx)))
    }

    /// What findings of a rule hide.
    pub fn hides(&self, idx: RuleIdx) -> RuleSet {
        self.hides.get(usize::from(idx)).copied().unwrap_or_default()
    }
}

fn hidden_by(rule: &Rule, rules: &[&'static Rule]) -> RuleSet {
    let mut set = RuleSet::default();
    let hidden = (0..).zip(rules).filter(|(_, other)| rule.hides.contains(&other.number()));
    hidden.for_each(|(idx, _)| set.insert(idx));
    set
}

/// Place of a kind among those of one way.
fn kind_of(start: Start) -> usize {
    let method = start.method as usize;
    match start.is_request {
        true => method,
        false => METHODS * (1 + answer(start) as usize) + method,
    }
}

/// A message of each kind, in order of place.
fn kinds() -> impl Iterator<Item = (Towards, Start)> {
    /// A status that says each of [`Answer`].
    const STATUSES: [Option<u16>; ANSWERS] = [Some(100), Some(180), Some(200), Some(300), None];
    let starts = || {
        let of = |is_request, status| Method::ALL.into_iter().map(move |method| Start { is_request, method, status, has_to_tag: false });
        of(true, None).chain(STATUSES.into_iter().flat_map(move |status| of(false, status)))
    };
    [Towards::Microsoft, Towards::Sbc, Towards::Elsewhere].into_iter().flat_map(move |towards| starts().map(move |start| (towards, start)))
}

#[cfg(test)]
mod tests {
    use super::super::RULES;
    use super::*;

    #[test]
    fn every_kind_has_its_place() {
        assert_eq!(kinds().count(), WAYS * KINDS);
        for (at, (towards, start)) in kinds().enumerate() {
            assert_eq!(at, towards as usize * KINDS + kind_of(start));
        }
    }

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let mut set = RuleSet::default();
        let own = [0, 1, 63, 64, 130, 255];
        own.into_iter().for_each(|idx| set.insert(idx));
        assert_eq!(set.iter().collect::<Vec<_>>(), own);
        let mut less = set;
        less.remove(&[1, 64].into_iter().fold(RuleSet::default(), |mut set, idx| {
            set.insert(idx);
            set
        }));
        assert!(set.contains(64) && !less.contains(64) && less.contains(255) && !set.contains(2));
        assert!(RULES.len() <= RuleSet::MOST);
    }

    #[test]
    fn all_rules_have_a_place() {
        let book = Book::new(RULES);
        let of_messages = book.messages.iter().flatten().count();
        let others =
            book.legs.len() + book.calls.len() + book.hops.len() + book.connections.len() + book.services.len() + book.trunks.len();
        assert_eq!(of_messages + others, RULES.len());
        let dr001 = book.hides(0);
        let hidden: Vec<&str> = dr001.iter().map(|idx| book.rules[usize::from(idx)].number()).collect();
        assert_eq!(hidden, RULES[0].hides);
    }
}
