//! Legs to calls: which leg an SBC sent on because it received another one.
//!
//! When a leg begins, those that began up to [`WINDOW`] before it at the host that sends it are looked up by what both have in common.
//! What replaces a dialog of a leg, or is sent where a REFER pointed, is of that leg's call, however long ago that began. One that fits is the leg before it; several that fit alike mean that nobody knows: the leg stays a call of its own, and is counted.
//! Legs of one call are kept when they close, until the last of them has.

use super::invite::{Agreement, Invite, Key};
use super::{Leg, LegId, Reference, correlate::Own, transfer};
use crate::time::{Span, Timestamp};
use crate::topology::Topology;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// An SBC sends a leg on within so long; number look-ups take a second or two at worst.
const WINDOW: Span = Span::secs(4);
/// Legs that closed wait so long for the other legs of their call.
const LONGEST_WAIT: Span = Span::secs(300);
/// Legs with one key that are told apart; a stranger may send any number.
const MOST_ALIKE: usize = 64;
/// Legs of one call.
const MOST_LEGS: usize = 64;
/// Legs that others may still be joined to; 16 000 calls a second begin no more.
const MOST_RECENT: usize = 1 << 16;
/// REFERs that a call may still follow on.
const MOST_REFERENCES: usize = 1 << 12;

/// Addresses that are one host: those of each SBC of the topology.
#[derive(Debug, Default)]
pub struct Hosts(HashMap<IpAddr, IpAddr>);

impl Hosts {
    /// Those of a topology.
    pub fn of(topology: &Topology) -> Self {
        let mut hosts = HashMap::new();
        for sbc in &topology.tables.sbcs {
            let Some(first) = sbc.addresses().next() else { continue };
            hosts.extend(sbc.addresses().map(|ip| (**ip, **first)));
        }
        Self(hosts)
    }

    fn host(&self, ip: IpAddr) -> IpAddr {
        self.0.get(&ip).copied().unwrap_or(ip)
    }
}

/// A leg that closed, with what belongs to it.
pub type Closed = (Box<Leg>, Own);

/// The legs of a call that has several.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Group {
    legs: Vec<LegId>,
    closed: Vec<Closed>,
    /// Clock when the first of them closed.
    since: Option<Timestamp>,
}

/// The state.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Joins {
    /// Legs that began within [`WINDOW`], in order.
    recent: VecDeque<Invite>,
    /// The same by what others may agree in.
    by_key: HashMap<Key, SmallVec<[LegId; 2]>, foldhash::fast::RandomState>,
    /// Legs that an INVITE began and that are open, by the hash of their Call-ID.
    dialogs: HashMap<u64, LegId, foldhash::fast::RandomState>,
    /// REFERs of a moment ago, in order.
    references: VecDeque<Reference>,
    /// Groups by the first of their legs.
    groups: BTreeMap<LegId, Group>,
    /// The group of each leg that is in one.
    group_of: BTreeMap<LegId, LegId>,
    /// Why legs that are open are joined to those before them.
    said: BTreeMap<LegId, String>,
    /// Legs that several legs before them fit alike, or whose call had too many.
    pub undecided: u64,
    /// Legs that were forgotten before their time, since too many began.
    pub evicted: u64,
}

impl Joins {
    /// A leg begins.
    pub fn begin(&mut self, invite: Invite, hosts: &Hosts) {
        self.forget(invite.clock);
        let replaced = invite.replaces.and_then(|call| self.dialogs.get(&call).copied());
        match replaced.map_or_else(|| self.before(&invite, hosts), |_| Before::None) {
            Before::One(earlier, agreements) => self.join(&earlier, &invite, &agreements),
            Before::Several => self.undecided += 1,
            Before::None => match replaced {
                Some(leg) => {
                    self.take_in(leg, invite.leg, "Replaces names the dialog of a leg of this call; certain".to_owned());
                    if let Some(referred) = self.referred(&invite, hosts).map(|reference| reference.leg) {
                        self.unite(referred, leg, "a REFER of this call points to an INVITE that replaces the leg's dialog; very likely");
                    }
                }
                None => self.follow(&invite, hosts),
            },
        }
        self.dialogs.insert(invite.call, invite.leg);
        for key in invite.keys.iter().filter(|(kind, _)| *kind != Agreement::Forwarded) {
            let alike = self.by_key.entry(*key).or_default();
            if alike.len() < MOST_ALIKE {
                alike.push(invite.leg);
            }
        }
        self.recent.push_back(invite);
        if self.recent.len() > MOST_RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.evicted += u64::from(!oldest.keys.is_empty());
            self.unlist(oldest.leg, &oldest.keys);
        }
    }

    /// The leg that the host of `invite` received before.
    fn before(&self, invite: &Invite, hosts: &Hosts) -> Before {
        let fits = |leg: &LegId, agreement: Agreement| {
            let at = self.recent.partition_point(|earlier| earlier.leg < *leg);
            let earlier = self.recent.get(at).filter(|earlier| earlier.leg == *leg)?;
            is_sent_on(earlier, invite, agreement, hosts).then_some(earlier)
        };
        let mut left: Vec<&Invite> = Vec::new();
        let mut agreements: SmallVec<[Agreement; 4]> = SmallVec::new();
        for agreement in Agreement::ALL {
            // What was forwarded agrees with the numbers of the leg before.
            let theirs = if agreement == Agreement::Forwarded { Agreement::Numbers } else { agreement };
            let keys = invite.keys.iter().filter(|(kind, _)| *kind == agreement).map(|(_, hash)| (theirs, *hash));
            let mut alike: Vec<&Invite> =
                keys.filter_map(|key| self.by_key.get(&key)).flatten().filter_map(|leg| fits(leg, agreement)).collect();
            alike.sort_by_key(|earlier| earlier.leg);
            alike.dedup_by_key(|earlier| earlier.leg);
            if !left.is_empty() {
                alike.retain(|earlier| left.iter().any(|known| known.leg == earlier.leg));
            }
            if !alike.is_empty() {
                agreements.push(agreement);
                left = alike;
            }
            if left.len() == 1 {
                break;
            }
        }
        match left.as_slice() {
            [one] => Before::One(Box::new((*one).clone()), agreements),
            [] => Before::None,
            _ => Before::Several,
        }
    }

    fn join(&mut self, earlier: &Invite, later: &Invite, agreements: &[Agreement]) {
        let same: Vec<&str> = agreements.iter().map(|agreement| agreement.as_str()).collect();
        let confidence = agreements.first().map_or("", |agreement| agreement.confidence());
        let (ms, host) = ((later.at - earlier.at).as_millis_f64(), later.from.ip());
        let why = format!("{}, sent by {host} {ms:.0} ms after it received a leg; {confidence}", same.join(" and "));
        self.take_in(earlier.leg, later.leg, why);
    }

    /// A REFER was seen: who received it may begin a leg because of it.
    pub fn refer(&mut self, reference: Reference) {
        self.references.push_back(reference);
        if self.references.len() > MOST_REFERENCES {
            self.references.pop_front();
            self.evicted += 1;
        }
    }

    /// Joins a leg that its sender begins because a REFER told it to.
    fn follow(&mut self, invite: &Invite, hosts: &Hosts) {
        let Some(reference) = self.referred(invite, hosts) else { return };
        let (ms, host) = ((invite.at - reference.at).as_millis_f64(), invite.from.ip());
        let what = match invite.target.as_ref().is_some_and(|target| reference.points_to(target)) {
            true => "points to where it calls; very likely",
            false => "has what its INVITE has, or should have; likely",
        };
        let (leg, seq) = (reference.leg, reference.seq);
        self.take_in(leg, invite.leg, format!("a REFER that {host} received {ms:.0} ms before {what}"));
        self.references.iter_mut().filter(|reference| reference.seq == seq).for_each(|reference| reference.followed = true);
    }

    /// The REFER of another leg that told the sender to begin this one: the last that points there. What an SBC altered is told by what is
    /// left of Microsoft's own parameters, and without any and without a user by the one REFER that nobody followed yet.
    fn referred(&self, invite: &Invite, hosts: &Hosts) -> Option<&Reference> {
        let target = invite.target.as_ref()?;
        let is_sent = |reference: &&Reference| hosts.host(reference.to.ip()) == hosts.host(invite.from.ip());
        let sent = || self.references.iter().filter(is_sent).filter(|reference| reference.leg != invite.leg);
        let marked = || {
            let alike = sent().map(|reference| (reference.has_in_common(&invite.marks), reference)).filter(|(n, _)| *n > 0);
            alike.max_by_key(|(n, _)| *n).map(|(_, reference)| reference)
        };
        let only = || {
            let mut open = sent().filter(|reference| reference.is_marked() && !reference.followed);
            open.next().filter(|_| invite.names_nobody && open.next().is_none())
        };
        sent().rfind(|reference| reference.points_to(target)).or_else(marked).or_else(only)
    }

    /// Makes one call of those that two open legs are of; `why` is said of the later call's first leg.
    fn unite(&mut self, one: LegId, other: LegId, why: &str) {
        let [one, other] = [one, other].map(|leg| self.group_of.get(&leg).copied().unwrap_or(leg));
        let (root, later) = (one.min(other), one.max(other));
        let [many, more] = [root, later].map(|root| self.groups.get(&root).map_or(1, |group| group.legs.len()));
        if root == later {
            return;
        }
        if many + more > MOST_LEGS {
            self.undecided += 1;
            return;
        }
        let alone = |leg| Group { legs: vec![leg], ..Group::default() };
        let joined = self.groups.remove(&later).unwrap_or_else(|| alone(later));
        let group = self.groups.entry(root).or_insert_with(|| alone(root));
        self.group_of.extend(joined.legs.iter().map(|leg| (*leg, root)).chain([(root, root)]));
        if !joined.closed.iter().any(|(leg, _)| leg.id == later) {
            self.said.entry(later).or_insert_with(|| why.to_owned());
        }
        group.since = group.since.into_iter().chain(joined.since).min();
        group.legs.extend(joined.legs);
        group.closed.extend(joined.closed);
    }

    /// Makes `later` a leg of the call of `earlier`.
    fn take_in(&mut self, earlier: LegId, later: LegId, why: String) {
        let root = self.group_of.get(&earlier).copied().unwrap_or(earlier);
        let group = self.groups.entry(root).or_default();
        if group.legs.is_empty() {
            group.legs.push(root);
            self.group_of.insert(root, root);
        }
        if group.legs.len() >= MOST_LEGS {
            self.undecided += 1;
            return;
        }
        group.legs.push(later);
        self.group_of.insert(later, root);
        self.said.insert(later, why);
    }

    /// Why a leg that closes is joined to one before it; it is forgotten here.
    pub fn said(&mut self, leg: LegId) -> Option<String> {
        self.said.remove(&leg)
    }

    /// A leg closed at `clock`: it is kept where others of its call are open, else given back.
    pub fn close(&mut self, leg: Box<Leg>, own: Own, clock: Timestamp) -> Vec<Closed> {
        let id = leg.id;
        if self.dialogs.get(&leg.call_hash) == Some(&id) {
            self.dialogs.remove(&leg.call_hash);
            // Nobody is referred by a leg that is over and no longer here.
            self.references.retain(|reference| reference.leg != id);
        }
        let Some(root) = self.group_of.get(&id).copied() else {
            self.drop_recent(id);
            return vec![(leg, own)];
        };
        let Some(group) = self.groups.get_mut(&root) else { return vec![(leg, own)] };
        group.since.get_or_insert(clock);
        group.closed.push((leg, own));
        if group.closed.len() < group.legs.len() { Vec::new() } else { self.release(root) }
    }

    /// Calls whose closed legs waited long enough, all with `all`, and the oldest ones where more than `most` legs wait.
    pub fn due(&mut self, clock: Timestamp, all: bool, most: usize) -> Vec<Vec<Closed>> {
        self.forget(clock);
        let mut held: usize = self.groups.values().map(|group| group.closed.len()).sum();
        let mut due: Vec<LegId> = Vec::new();
        for (root, group) in self.groups.iter().filter(|(_, group)| !group.closed.is_empty()) {
            if all || held > most || group.since.is_some_and(|since| clock - since > LONGEST_WAIT) {
                held -= group.closed.len();
                due.push(*root);
            }
        }
        due.into_iter().map(|root| self.release(root)).collect()
    }

    /// The legs of a call that closed, in order; those that are open go on by themselves.
    fn release(&mut self, root: LegId) -> Vec<Closed> {
        let Some(mut group) = self.groups.remove(&root) else { return Vec::new() };
        for leg in &group.legs {
            self.group_of.remove(leg);
            self.drop_recent(*leg);
        }
        group.closed.sort_by_key(|(leg, _)| leg.id);
        group.closed
    }

    fn forget(&mut self, clock: Timestamp) {
        while self.references.front().is_some_and(|oldest| clock - oldest.clock > transfer::WITHIN) {
            self.references.pop_front();
        }
        while self.recent.front().is_some_and(|oldest| clock - oldest.clock > WINDOW) {
            if let Some(oldest) = self.recent.pop_front() {
                self.unlist(oldest.leg, &oldest.keys);
            }
        }
    }

    /// Nothing is joined any more to a leg that closed. Its place stays until its time has come: taking it out would move all others.
    fn drop_recent(&mut self, leg: LegId) {
        let at = self.recent.partition_point(|invite| invite.leg < leg);
        if let Some(invite) = self.recent.get_mut(at).filter(|invite| invite.leg == leg) {
            let keys = std::mem::take(&mut invite.keys);
            self.unlist(leg, &keys);
        }
    }

    fn unlist(&mut self, leg: LegId, keys: &[Key]) {
        for key in keys {
            if let Some(alike) = self.by_key.get_mut(key) {
                alike.retain(|known| *known != leg);
                if alike.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
    }
}

/// What is found of a leg before.
enum Before {
    None,
    One(Box<Invite>, SmallVec<[Agreement; 4]>),
    Several,
}

/// The host that received `earlier` may have sent `later` because of it.
fn is_sent_on(earlier: &Invite, later: &Invite, agreement: Agreement, hosts: &Hosts) -> bool {
    let host = |end: SocketAddr| hosts.host(end.ip());
    let same_way = (host(earlier.from), host(earlier.to)) == (host(later.from), host(later.to));
    // A host that talks to itself is several: ports tell them apart.
    let within = host(earlier.from) == host(earlier.to);
    let sends = if within { earlier.to == later.from } else { host(earlier.to) == host(later.from) };
    // An SBC may have an address for each side that no topology tells: what nobody else can have is enough.
    let identified = agreement <= Agreement::ChargingId && host(earlier.from) != host(later.from);
    // Microsoft sends on what it received, from another of its addresses.
    let returns = agreement == Agreement::Forwarded && host(earlier.from) == host(later.to) && host(earlier.from) != host(later.from);
    let apart = if within { earlier.from != later.from } else { !same_way };
    let in_time = later.clock - earlier.clock <= WINDOW;
    in_time && apart && (sends || identified || returns) && (agreement != Agreement::Origin || earlier.may_be_one_with(later))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::support::message;
    use crate::flow::Message;
    use crate::record::Seq;

    const CARRIER: &str = "192.0.2.10:5060";
    const SBC: &str = "198.51.100.4:5060";
    const TEAMS: &str = "52.114.75.24:5061";

    fn invite(ms: i64, (from, to): (&str, &str), called: &str, more: &str) -> Invite {
        let message: Message = message(ms, (from, to), &format!("INVITE sip:{called}@x SIP/2.0"), "INVITE", more);
        Invite::of(LegId(message.seq()), &message).unwrap()
    }

    /// Which leg each is joined to: the first of its group, by its time in milliseconds.
    fn joined(invites: Vec<Invite>) -> Vec<Option<u64>> {
        let mut joins = Joins::default();
        let legs: Vec<LegId> = invites.iter().map(|invite| invite.leg).collect();
        invites.into_iter().for_each(|invite| joins.begin(invite, &Hosts::default()));
        legs.iter().map(|leg| joins.group_of.get(leg).map(|root| root.0.0)).collect()
    }

    #[test]
    fn what_an_sbc_sends_on_belongs_to_what_it_received() {
        let legs = [invite(0, (CARRIER, SBC), "0201234567", ""), invite(30, (SBC, TEAMS), "+31201234567", "")];
        assert_eq!(joined(legs.to_vec()), [Some(0), Some(0)]);
        // Too late, and another number.
        assert_eq!(joined(vec![legs[0].clone(), invite(4_100, (SBC, TEAMS), "+31201234567", "")]), [None, None]);
        assert_eq!(joined(vec![legs[0].clone(), invite(30, (SBC, TEAMS), "+31201234568", "")]), [None, None]);
    }

    #[test]
    fn forks_and_chains_are_one_call() {
        let phone = "10.0.0.7:5060";
        let legs = vec![
            invite(0, (CARRIER, SBC), "1", ""),
            invite(10, (SBC, TEAMS), "1", ""),
            invite(20, (SBC, phone), "1", ""),
            invite(30, (phone, "10.0.0.8:5060"), "1", ""),
        ];
        assert_eq!(joined(legs), [Some(0); 4]);
    }

    #[test]
    fn legs_that_fit_alike_stay_apart_unless_something_tells_them_apart() {
        let id = |n: u32| format!("Session-ID: a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d{n}\r\n");
        let alike = |tell: bool| -> Vec<Invite> {
            let more = |n| if tell { id(n) } else { String::new() };
            let received = (0..5).map(|n| invite(i64::from(n), (CARRIER, SBC), "1", &more(n)));
            let sent = (0..5).map(|n| invite(i64::from(n) + 10, (SBC, TEAMS), "1", &more(n)));
            received.chain(sent).collect()
        };
        assert_eq!(joined(alike(false)), [None; 10]);
        assert_eq!(joined(alike(true)), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map(Some));
    }

    #[test]
    fn a_second_try_of_the_same_sender_is_another_call() {
        assert_eq!(joined(vec![invite(0, (CARRIER, SBC), "1", ""), invite(10, (CARRIER, SBC), "1", "")]), [None, None]);
        // On loopback all hosts are one: ports tell who sends on.
        let [client, proxy, phone] = ["127.0.0.1:6000", "127.0.0.1:5060", "127.0.0.1:7000"];
        assert_eq!(joined(vec![invite(0, (client, proxy), "1", ""), invite(10, (client, proxy), "1", "")]), [None, None]);
        assert_eq!(joined(vec![invite(0, (client, proxy), "1", ""), invite(10, (proxy, phone), "1", "")]), [Some(0), Some(0)]);
        assert_eq!(joined(vec![invite(0, (client, proxy), "1", ""), invite(10, ("127.0.0.1:6001", proxy), "1", "")]), [None, None]);
    }

    #[test]
    fn addresses_of_one_sbc_are_one_host() {
        let inner = "10.1.5.10:5060";
        let legs = || vec![invite(0, (CARRIER, inner), "1", ""), invite(10, (SBC, TEAMS), "1", "")];
        assert_eq!(joined(legs()), [None, None]);
        let text =
            "schema = 1\n[[sbc]]\nid = 's'\nfqdn = 's.example'\nplace = 'your_network'\nsignalling = ['198.51.100.4', '10.1.5.10']\n";
        let hosts = Hosts::of(&Topology::parse(text, "t.toml").unwrap());
        let mut joins = Joins::default();
        legs().into_iter().for_each(|invite| joins.begin(invite, &hosts));
        assert_eq!(joins.group_of.len(), 2);
        assert_eq!(
            joins.said(LegId(Seq(10))).unwrap(),
            "the same calling and called numbers, sent by 198.51.100.4 10 ms after it received a leg; likely"
        );
    }

    #[test]
    fn what_is_remembered_is_let_go() {
        let mut joins = Joins::default();
        for n in 0..100 {
            joins.begin(invite(n * 1_000, (CARRIER, SBC), "1", ""), &Hosts::default());
        }
        assert!(joins.recent.len() <= 5 && joins.by_key.len() == 1 && joins.groups.is_empty() && joins.said.is_empty());
        joins.forget(Timestamp(0) + Span::secs(500));
        assert!(joins.recent.is_empty() && joins.by_key.is_empty());
    }

    #[test]
    fn a_storm_is_bounded_and_what_closed_is_joined_to_nothing() {
        let mut joins = Joins::default();
        let first = invite(0, (CARRIER, SBC), "1", "");
        joins.drop_recent(first.leg);
        joins.begin(first.clone(), &Hosts::default());
        joins.drop_recent(first.leg);
        joins.begin(invite(1, (SBC, TEAMS), "1", ""), &Hosts::default());
        assert!(joins.group_of.is_empty() && joins.recent.len() == 2);
        for n in 0..MOST_RECENT as u64 {
            let leg = LegId(Seq(10 + n));
            let mut another = first.clone();
            another.leg = leg;
            joins.begin(another, &Hosts::default());
        }
        assert_eq!((joins.recent.len(), joins.evicted), (MOST_RECENT, 1));
        assert!(joins.by_key.values().all(|alike| alike.len() <= MOST_ALIKE));
    }
}
