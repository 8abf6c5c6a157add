//! ICE (RFC 8445): connectivity checks beside the legs whose session descriptions announced them, by user name fragment or endpoint.

use super::Leg;
use crate::decode::FlowKey;
use crate::flow::StunExchange;
use crate::ledger::Ledger;
use crate::proto::stun::method;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Flows that checks are kept of; beyond it those unheard of for longest go, at the next sweep.
const MOST_FLOWS: usize = 1 << 16;
/// Exchanges kept of one flow.
const MOST_OF_FLOW: usize = 16;
/// Checks that nobody came for are kept this long: longer than a silent dialog stays open.
const KEPT: Span = Span::secs(45 * 60);
/// Checks listed of one call: the nominated first, then those that were answered.
const MOST_OF_CALL: usize = 16;
/// Flows looked at for one fragment or endpoint.
const MOST_LOOKED_AT: usize = 64;

/// Connectivity checks by flow.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Checks {
    by_flow: BTreeMap<FlowKey, Vec<StunExchange>>,
    fragments: BTreeSet<(String, FlowKey)>,
    ends: BTreeSet<(SocketAddr, FlowKey)>,
    /// Exchanges dropped at a cap.
    evicted: u64,
}

impl Checks {
    /// Takes in an exchange if it is a check: a Binding request with a user name.
    pub fn add(&mut self, exchange: StunExchange) {
        let Some(username) = exchange.username.as_ref().filter(|_| exchange.method == method::BINDING) else { return };
        let flow = exchange.flow;
        let (a, b) = flow.endpoints();
        let known = self.by_flow.entry(flow).or_default();
        if let Some(same) = known.iter_mut().find(|known| known.is_same(&exchange)) {
            return same.join(&exchange);
        }
        if known.len() >= MOST_OF_FLOW {
            self.evicted += 1;
            return;
        }
        self.ends.extend([(a, flow), (b, flow)]);
        self.fragments.extend(fragments(username).map(|fragment| (fragment.to_owned(), flow)));
        known.push(exchange);
    }

    /// The checks of a leg that closes, which nobody else will ask for. Where its descriptions name fragments, a check must name one.
    pub fn of(&mut self, leg: &Leg) -> Vec<StunExchange> {
        if self.by_flow.is_empty() {
            return Vec::new();
        }
        let lines = leg.described.iter().filter(|_| leg.ice).flat_map(|d| d.lines(leg));
        let announced: BTreeSet<&str> = lines.filter_map(|media| media.ice_ufrag.as_deref()).collect();
        let mut flows: BTreeSet<FlowKey> = BTreeSet::new();
        for fragment in &announced {
            let from = ((*fragment).to_owned(), FlowKey::V4([0; 16]));
            flows.extend(self.fragments.range(from..).take_while(|(at, _)| at == fragment).take(MOST_LOOKED_AT).map(|(_, flow)| *flow));
        }
        for end in leg.endpoints.iter().filter(|_| announced.is_empty()) {
            let from = (*end, FlowKey::V4([0; 16]));
            flows.extend(self.ends.range(from..).take_while(|(at, _)| at == end).take(MOST_LOOKED_AT).map(|(_, flow)| *flow));
        }
        let is_of = |check: &StunExchange| {
            announced.is_empty() || check.username.iter().flat_map(|name| fragments(name)).any(|fragment| announced.contains(fragment))
        };
        let mut checks: Vec<StunExchange> = Vec::new();
        for flow in flows {
            let Some(known) = self.by_flow.get_mut(&flow) else { continue };
            let own: Vec<StunExchange> = known.extract_if(.., |check| is_of(check)).collect();
            self.forget_names(flow, &own);
            self.forget_if_empty(flow);
            checks.extend(own);
        }
        listed(checks)
    }

    /// The checks of a flow whose media nobody signalled.
    pub fn of_flow(&mut self, flow: FlowKey) -> Vec<StunExchange> {
        let checks = self.by_flow.get_mut(&flow).map(std::mem::take).unwrap_or_default();
        self.forget_names(flow, &checks);
        self.forget_if_empty(flow);
        listed(checks)
    }

    /// The checks of two hosts on the direct way between them, as far as they began before `until` and went on after `from`: of media
    /// that a relay passes on, they tell whether there was another way.
    pub fn between(&mut self, a: IpAddr, b: IpAddr, (from, until): (Timestamp, Timestamp)) -> Vec<StunExchange> {
        let ports = (SocketAddr::new(a, 0), FlowKey::V4([0; 16]))..;
        let of_a = self.ends.range(ports).take_while(|(end, _)| end.ip() == a).take(MOST_LOOKED_AT).map(|(_, flow)| *flow);
        let is_direct = |flow: &FlowKey| {
            let (one, other) = flow.endpoints();
            [[a, b], [b, a]].contains(&[one.ip(), other.ip()])
        };
        let flows: Vec<FlowKey> = of_a.filter(is_direct).collect();
        let mut checks: Vec<StunExchange> = Vec::new();
        for flow in flows {
            let Some(known) = self.by_flow.get_mut(&flow) else { continue };
            let own: Vec<StunExchange> = known.extract_if(.., |check| check.first.at <= until && check.until >= from).collect();
            self.forget_names(flow, &own);
            self.forget_if_empty(flow);
            checks.extend(own);
        }
        checks
    }

    /// Forgets what nobody came for, at `clock`.
    pub fn retire(&mut self, clock: Timestamp, ledger: &mut Ledger) {
        let last = |checks: &[StunExchange]| checks.iter().map(|check| check.until).max().unwrap_or_default();
        let mut ages: Vec<(Timestamp, FlowKey)> = self.by_flow.iter().map(|(flow, checks)| (last(checks), *flow)).collect();
        ages.sort_unstable();
        let over = ages.len().saturating_sub(MOST_FLOWS);
        let old = ages.iter().take_while(|(until, _)| clock - *until > KEPT).count();
        ledger.evicted += over.saturating_sub(old) as u64 + std::mem::take(&mut self.evicted);
        for (_, flow) in ages.into_iter().take(over.max(old)) {
            if let Some(checks) = self.by_flow.get_mut(&flow) {
                let gone = std::mem::take(checks);
                self.forget_names(flow, &gone);
            }
            self.forget_if_empty(flow);
        }
    }

    fn forget_names(&mut self, flow: FlowKey, gone: &[StunExchange]) {
        for name in gone.iter().filter_map(|check| check.username.as_ref()) {
            for fragment in fragments(name) {
                self.fragments.remove(&(fragment.to_owned(), flow));
            }
        }
    }

    fn forget_if_empty(&mut self, flow: FlowKey) {
        if self.by_flow.get(&flow).is_some_and(Vec::is_empty) {
            self.by_flow.remove(&flow);
            let (a, b) = flow.endpoints();
            for end in [a, b] {
                self.ends.remove(&(end, flow));
            }
        }
    }
}

/// As many as are listed, in order of first message.
pub(super) fn listed(mut checks: Vec<StunExchange>) -> Vec<StunExchange> {
    checks.sort_by_key(|check| (check.nominations == 0, check.successes == 0, check.first.seq));
    checks.truncate(MOST_OF_CALL);
    checks.sort_by_key(|check| check.first.seq);
    checks
}

/// Both fragments of a user name (RFC 8445 section 7.2.2).
fn fragments(username: &str) -> impl Iterator<Item = &str> {
    username.split(':').take(2).filter(|fragment| !fragment.is_empty())
}
