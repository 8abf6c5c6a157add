//! The TCP flows of a shard: which of them wait behind a gap, and what goes when they keep too many bytes together.

use super::budget::Budget;
use super::facts::Fact;
use super::flows::{Flows, oldest};
use super::kept::{Keeps, Kept};
use crate::decode::{FlowKey, Packet};
use crate::flow::{SentOn, Tcp, keylog::KeyLog, text::Near};
use crate::ledger::{Kind, Ledger};
use crate::record::Seq;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The flows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct TcpTable {
    flows: Flows<Tcp>,
    /// Flows that wait behind a gap: a tick looks at these alone.
    waiting: BTreeSet<FlowKey>,
    /// What all keep.
    kept: Kept,
    /// Secrets of TLS connections.
    #[serde(skip)]
    pub keys: Arc<KeyLog>,
    /// Messages that agents sent on, until they are taken.
    #[serde(skip)]
    pub sent_on: Vec<SentOn>,
    /// Where the last text lay.
    #[serde(skip)]
    near: Near,
}

impl TcpTable {
    /// Applies a segment, and counts it. What is kept beyond the budget is read as it is, that of flows unseen for longest first.
    pub fn apply(&mut self, packet: &Packet<'_>, budget: &Budget, ledger: &mut Ledger, out: &mut Vec<(Seq, Fact)>) {
        let mut messages = Vec::new();
        let tcp = self.flows.entry(packet.flow).or_default();
        if tcp.keep(packet) {
            return ledger.count(Kind::Tcp, 1);
        }
        let mut flow = tcp.flow(packet);
        let mut before = (Keeps::of(flow), flow.waits());
        if flow.is_reopened_by(packet) {
            self.kept.change(packet.flow, before.0, Keeps::default());
            self.sent_on.extend(close(std::mem::take(tcp), (packet.seq, packet.clock), &self.keys, ledger, out));
            flow = tcp.flow(packet);
            before.0 = Keeps::default();
        }
        flow.apply(packet, &self.keys, &mut self.near, ledger, &mut messages);
        self.sent_on.append(&mut flow.sent_on);
        let after = (Keeps::of(flow), flow.waits());
        out.extend(messages.into_iter().map(|m| (packet.seq, Fact::Message(Box::new(m)))));
        self.kept.change(packet.flow, before.0, after.0);
        match (before.1, after.1) {
            (false, true) => self.waiting.insert(packet.flow),
            (true, false) => self.waiting.remove(&packet.flow),
            _ => false,
        };
        self.evict_late(budget);
        if self.kept.bytes > budget.buffered {
            self.make_room(packet.seq, budget, ledger, out);
        }
    }

    /// Lets go of what waits for keys beyond the share of this shard, that which waits for longest first.
    fn evict_late(&mut self, budget: &Budget) {
        while let Some(key) = self.kept.longest(budget.late) {
            let Some(flow) = self.flows.get_mut(&key).and_then(Tcp::known_mut) else { return };
            let before = Keeps::of(flow);
            flow.evict_late();
            self.kept.change(key, before, Keeps::of(flow));
        }
    }

    /// Reads what TCP flows keep as it is, those longest unseen first, until half the room is free.
    fn make_room(&mut self, seq: Seq, budget: &Budget, ledger: &mut Ledger, out: &mut Vec<(Seq, Fact)>) {
        let keep = |(key, tcp): (&FlowKey, &Tcp)| tcp.known().filter(|flow| flow.size() > 0).map(|flow| (flow.last_seq, *key));
        let mut flows: Vec<(Seq, FlowKey)> = self.flows.iter().filter_map(keep).collect();
        flows.sort_unstable();
        for (_, key) in flows {
            if self.kept.bytes <= budget.buffered / 2 {
                return;
            }
            let Some(flow) = self.flows.get_mut(&key).and_then(Tcp::known_mut) else { continue };
            let mut messages = Vec::new();
            let before = Keeps::of(flow);
            flow.give_up(&self.keys, ledger, &mut messages);
            self.sent_on.append(&mut flow.sent_on);
            self.kept.change(key, before, Keeps::of(flow));
            self.waiting.remove(&key);
            out.extend(messages.into_iter().map(|m| (seq, Fact::Message(Box::new(m)))));
        }
    }

    /// Skips gaps that stayed open, and keeps the table below its cap.
    pub fn tick(&mut self, (seq, clock): (Seq, Timestamp), budget: &Budget, ledger: &mut Ledger, out: &mut Vec<(Seq, Fact)>) {
        let mut messages = Vec::new();
        let Self { flows, waiting, kept, keys, sent_on, .. } = self;
        waiting.retain(|key| {
            let Some(flow) = flows.get_mut(key).and_then(Tcp::known_mut) else { return false };
            let before = Keeps::of(flow);
            flow.tick(clock, false, keys, ledger, &mut messages);
            sent_on.append(&mut flow.sent_on);
            kept.change(*key, before, Keeps::of(flow));
            flow.waits()
        });
        out.extend(messages.into_iter().map(|m| (seq, Fact::Message(Box::new(m)))));
        if self.flows.len() <= budget.flows {
            return;
        }
        for key in oldest(self.flows.iter().map(|(key, tcp)| (tcp.last_seq(), *key, 1)), budget.flows) {
            ledger.evicted += 1;
            self.remove(&key, (seq, clock), ledger, out);
        }
    }

    /// Closes connections that are over, or all, and tells of signalling that changed.
    pub fn sweep(&mut self, (seq, clock): (Seq, Timestamp), all: bool, ledger: &mut Ledger, out: &mut Vec<(Seq, Fact)>) {
        let mut gone = Vec::new();
        self.flows.iter_mut().for_each(|(key, tcp)| {
            if all || tcp.is_over(clock) {
                gone.push((tcp.last_seq(), *key));
            } else if let Some(flow) = tcp.known_mut().filter(|flow| flow.changed && flow.is_signalling()) {
                flow.changed = false;
                out.push((seq, Fact::Connection { connection: Box::new(flow.told()), closed: None }));
            }
        });
        gone.sort_unstable();
        for (_, key) in gone {
            self.remove(&key, (seq, clock), ledger, out);
        }
    }

    fn remove(&mut self, key: &FlowKey, (seq, clock): (Seq, Timestamp), ledger: &mut Ledger, out: &mut Vec<(Seq, Fact)>) {
        let Some(tcp) = self.flows.remove(key) else { return };
        self.waiting.remove(key);
        self.kept.change(*key, tcp.known().map_or_else(Keeps::default, Keeps::of), Keeps::default());
        self.sent_on.extend(close(tcp, (seq, clock), &self.keys, ledger, out));
    }
}

/// Reads what is left of a connection. Gives what an agent sent on over it.
fn close(mut tcp: Tcp, (seq, clock): (Seq, Timestamp), keys: &KeyLog, ledger: &mut Ledger, out: &mut Vec<(Seq, Fact)>) -> Vec<SentOn> {
    let Some(flow) = tcp.known_mut() else { return Vec::new() };
    let mut messages = Vec::new();
    flow.tick(clock, true, keys, ledger, &mut messages);
    out.extend(messages.into_iter().map(|m| (seq, Fact::Message(Box::new(m)))));
    if flow.is_signalling() {
        out.push((seq, Fact::Connection { connection: Box::new(flow.told()), closed: Some(clock) }));
    } else if flow.asks_for_host() {
        out.push((seq, Fact::Service(Box::new(flow.told()))));
    }
    std::mem::take(&mut flow.sent_on)
}
