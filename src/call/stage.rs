//! The call stage: 64 call shards in parallel, then the serial stage. What ended comes out as calls, in order of first record.

use super::join::{Closed, Hosts};
use super::shard::{MessageCounts, Told, shard_of};
use super::{Call, CallShard, Correlator, Due, Invite, Joins, Leg, LegId, Names, Peerings, Reference, correlate::Own};
use crate::engine::{Budget, Fact, SHARDS, Wanted, par};
use crate::flow::{Connection, Message};
use crate::ledger::Ledger;
use crate::proto::rtp::Ssrc;
use crate::record::Seq;
use crate::time::Timestamp;
use crate::topology::Topology;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

/// All state of the call stage.
#[derive(Debug, Serialize, Deserialize)]
pub struct CallStage {
    shards: Vec<CallShard>,
    correlator: Correlator,
    joins: Joins,
    /// What name servers said.
    names: Names,
    /// What routers said.
    peerings: Peerings,
    /// What it may hold.
    #[serde(skip)]
    budget: Budget,
    /// Addresses that are one host.
    #[serde(skip)]
    hosts: Option<Hosts>,
}

impl Default for CallStage {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| CallShard::default()).collect();
        Self {
            shards,
            correlator: Correlator::default(),
            joins: Joins::default(),
            names: Names::default(),
            peerings: Peerings::default(),
            budget: Budget::default(),
            hosts: None,
        }
    }
}

/// The legs of a call that ended, or media that nobody signalled, with what belongs to it.
#[derive(Debug)]
pub struct Ended {
    first: Seq,
    what: What,
}

#[derive(Debug)]
enum What {
    Legs(Vec<Closed>),
    Media(Own),
}

impl Ended {
    /// Makes a call of it at `clock`.
    pub fn call(self, correlator: &Correlator, clock: Timestamp) -> Option<Call> {
        match self.what {
            What::Legs(legs) => correlator.call(legs, clock),
            What::Media(own) => correlator.media_call(own),
        }
    }
}

/// Legs that may be closed, by shard.
#[derive(Debug, Default)]
pub struct AllDue(Vec<Vec<Due>>);

impl AllDue {
    /// What the engine is asked for before they are closed.
    pub fn wanted(&self, all: bool) -> Wanted {
        let mut wanted = Wanted { all, ..Wanted::default() };
        if all {
            return wanted;
        }
        for due in self.0.iter().flatten() {
            for endpoint in &due.endpoints {
                if due.ended {
                    let last = wanted.taken.entry(*endpoint).or_insert(due.last);
                    *last = (*last).max(due.last);
                } else {
                    wanted.watched.insert(*endpoint);
                }
            }
        }
        wanted
    }
}

impl CallStage {
    /// Applies facts, which come in order. Streams and connections follow the messages of their batch.
    pub fn apply(&mut self, facts: Vec<(Seq, Fact)>, topology: &Topology) {
        let mut messages: Vec<Vec<Box<Message>>> = Vec::new();
        let mut others = Vec::new();
        for (_, fact) in facts {
            match fact {
                Fact::Message(message) => {
                    messages.resize_with(SHARDS, Vec::new);
                    let shard = shard_of(&message, SHARDS);
                    if let Some(list) = messages.get_mut(shard) {
                        list.push(message);
                    }
                }
                other => others.push(other),
            }
        }
        if !messages.is_empty() {
            self.apply_messages(messages);
        }
        for fact in others {
            match fact {
                Fact::Stream(stream) => self.correlator.stream(stream),
                Fact::Connection { connection, closed } => self.correlator.connection(*connection, closed),
                Fact::Rtcp(report) => self.correlator.reports.add(*report),
                Fact::Stun(exchange) => self.correlator.checks.add(*exchange),
                Fact::Service(connection) => self.correlator.service(*connection),
                Fact::Lookup(lookup) => self.names.add(*lookup),
                Fact::Routing(routing) => self.peerings.add(&routing, topology),
                Fact::Message(_) => {}
            }
        }
    }

    fn apply_messages(&mut self, messages: Vec<Vec<Box<Message>>>) {
        let mut work: Vec<(&mut CallShard, Vec<Box<Message>>)> = self.shards.iter_mut().zip(messages).collect();
        let told: Vec<Told> = par::par_map_mut(&mut work, |_, (shard, messages)| {
            let mut told = Told::default();
            std::mem::take(messages).into_iter().for_each(|message| shard.apply(*message, &mut told));
            told
        });
        told.iter().flat_map(|told| &told.claims).for_each(|claim| self.correlator.claim(claim));
        let (mut invites, mut references): (Vec<Invite>, Vec<Reference>) = (Vec::new(), Vec::new());
        for told in told {
            invites.extend(told.invites);
            references.extend(told.references);
        }
        invites.sort_by_key(|invite| invite.leg);
        references.sort_by_key(|reference| reference.seq);
        let hosts = self.hosts.get_or_insert_default();
        let mut references = references.into_iter().peekable();
        for invite in invites {
            while let Some(reference) = references.next_if(|reference| reference.seq < invite.leg.0) {
                self.joins.refer(reference);
            }
            self.joins.begin(invite, hosts);
        }
        references.for_each(|reference| self.joins.refer(reference));
    }

    /// Sets what legs and streams may take, from here on.
    pub fn limit(&mut self, budget: Budget) {
        self.budget = budget;
        self.shards.iter_mut().for_each(|shard| shard.budget = budget);
    }

    /// Lets legs of one SBC's addresses be taken together. A state that is loaded knows none until then.
    pub fn know(&mut self, topology: &Topology) {
        self.hosts.get_or_insert_with(|| Hosts::of(topology));
    }

    /// More is held than may be: a sweep is due whatever the clock says.
    pub fn is_full(&self) -> bool {
        self.shards.iter().any(CallShard::is_full) || self.is_flooded() || self.correlator.closed() > self.budget.connections
    }

    /// More streams wait for somebody to claim them than may.
    fn is_flooded(&self) -> bool {
        self.correlator.unclaimed() > self.budget.streams
    }

    /// Legs that may be closed at `clock`, or all.
    pub fn due(&mut self, clock: Timestamp, all: bool) -> AllDue {
        AllDue(par::par_map_mut(&mut self.shards, |_, shard| shard.due(clock, all)))
    }

    /// Closes legs that are due and whose watched endpoints are not `alive`, and what nobody signalled: what ended, in order of first
    /// record. With `all`, nothing comes any more.
    pub fn close(&mut self, due: AllDue, alive: &BTreeSet<SocketAddr>, (clock, all): (Timestamp, bool)) -> Vec<Ended> {
        let mut work: Vec<(&mut CallShard, Vec<Due>)> = self.shards.iter_mut().zip(due.0).collect();
        let closed: Vec<Vec<(LegId, Box<Leg>)>> = par::par_map_mut(&mut work, |_, (shard, due)| {
            let silent = |due: &Due| !due.endpoints.iter().any(|endpoint| alive.contains(endpoint));
            let over = std::mem::take(due).into_iter().filter(|due| due.ended || silent(due));
            over.filter_map(|due| Some((due.leg, shard.close(&due)?))).collect()
        });
        // Each shard's are in order already.
        let mut legs: Vec<(LegId, Box<Leg>)> = closed.into_iter().flatten().collect();
        legs.sort_by_key(|(id, _)| *id);
        self.correlator.join_far_sides();
        let flooded = self.is_flooded();
        let mut calls: Vec<Vec<Closed>> = Vec::with_capacity(legs.len());
        for (id, mut leg) in legs {
            let own = self.correlator.gather(&leg, all);
            leg.joined_by = self.joins.said(id);
            calls.push(self.joins.close(leg, own, clock));
        }
        calls.extend(self.joins.due(clock, all, self.budget.legs));
        let of_legs = |legs: Vec<Closed>| Some(Ended { first: legs.first()?.0.id.0, what: What::Legs(legs) });
        let mut ended: Vec<Ended> = calls.into_iter().filter_map(of_legs).collect();
        let media = self.correlator.unsignalled(all || flooded).into_iter();
        ended.extend(media.map(|own| Ended { first: own.began(), what: What::Media(own) }));
        ended.sort_by_key(|ended| ended.first);
        ended
    }

    /// What calls are made with of what ended.
    pub fn correlator(&self) -> &Correlator {
        &self.correlator
    }

    /// What name servers said so far.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What routers said so far.
    pub fn peerings(&self) -> &Peerings {
        &self.peerings
    }

    /// Forgets connections that nobody will ask for any more, once the calls of what ended are made; gives them in order of first packet.
    pub fn retire(&mut self, clock: Timestamp, all: bool) -> Vec<Arc<Connection>> {
        self.correlator.retire(clock, all, self.budget.connections)
    }

    /// Connections that are no signalling and ended since this was asked last, in order of first packet.
    pub fn services(&mut self) -> Vec<Connection> {
        self.correlator.services()
    }

    /// Sources of streams whose leg is about to be closed, with the place of its last message.
    pub fn sources(&self, due: &AllDue) -> HashMap<Ssrc, Seq> {
        self.correlator.sources(due.0.iter().flatten().filter(|due| due.ended))
    }

    /// Legs that may belong to one of several calls, and so are calls of their own.
    pub fn undecided(&self) -> u64 {
        self.joins.undecided
    }

    /// Messages seen so far.
    pub fn counts(&self) -> MessageCounts {
        let mut sum = MessageCounts::default();
        self.shards.iter().for_each(|shard| sum.add(&shard.counts));
        sum
    }

    /// Duplicates, evictions and moves counted here.
    pub fn ledger(&self) -> Ledger {
        let mut sum = self.correlator.ledger.clone();
        sum.evicted += self.joins.evicted;
        self.shards.iter().for_each(|shard| sum.add(&shard.ledger));
        sum
    }
}
