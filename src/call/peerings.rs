//! Microsoft peering of ExpressRoute as BGP shows it (method M13 of call-flows section 5): at which taps a session was seen in which
//! Microsoft's public prefixes were announced by way of AS 12076, and what your side announces in it.
//!
//! Private peering has the same AS number, so only public prefixes of Microsoft's count. A session counts where its packets cross one
//! link, between two autonomous systems: what routers of one tell each other, or send on over further hops, shows another link than its
//! own. What was seen before an announcement is not known to be of the peering.

use crate::decode::{Mac, MacPair, TapId, TunnelsId};
use crate::flow::{Routing, Said, Seen};
use crate::proto::bgp::Update;
use crate::time::{Span, Timestamp};
use crate::topology::{Place, Topology};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The autonomous system of Microsoft's edge routers in ExpressRoute, on all its peerings.
pub const EXPRESSROUTE: u32 = 12076;

/// Sessions that are remembered.
const MOST_SESSIONS: usize = 256;
/// Points at which a session is remembered.
const MOST_POINTS: usize = 8;
/// Prefixes of one side that are remembered; Microsoft peering takes 200.
const MOST_PREFIXES: usize = 256;
/// Wider prefixes are no announcement of one's own addresses: default routes, whole or in halves.
const WIDEST: (u8, u8) = (8, 16);
/// A session that is silent for so long is over: the usual hold time of ExpressRoute's routers.
const HOLD: Span = Span::secs(180);

/// What routers of a run told one another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peerings(BTreeMap<(IpAddr, IpAddr), Session>);

/// What two routers said, the one with the lower address first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    points: Vec<Point>,
    sides: [Side; 2],
    /// The last message.
    heard: Timestamp,
}

/// Where frames of a session were seen, and the link-layer addresses of its two routers there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Point {
    tap: TapId,
    tunnels: TunnelsId,
    macs: [Mac; 2],
}

/// What one router announced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Side {
    microsoft: Option<Shown>,
    own: BTreeMap<IpNet, Period>,
}

/// The first announcement that shows Microsoft peering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    net: IpNet,
    seen: Seen,
}

/// From when until when a prefix is announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Period {
    from: Seen,
    until: Option<Timestamp>,
}

/// Microsoft peering at a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peering {
    /// The router of Microsoft's side, who announces Microsoft's prefixes.
    pub router: IpAddr,
    /// Your router.
    pub yours: IpAddr,
    /// Link-layer address of the first: what it sends or receives crosses the peering.
    pub mac: Mac,
    /// The first prefix of Microsoft's that it announces.
    pub net: IpNet,
    /// The message that does.
    pub since: Seen,
}

/// A prefix that your router announces on Microsoft peering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// The prefix.
    pub net: IpNet,
    /// Your router.
    pub by: IpAddr,
}

impl Peerings {
    /// Takes in what a router said, in order.
    pub fn add(&mut self, routing: &Routing, topology: &Topology) {
        let Routing { seen, from, to, said } = routing;
        let key = (*from.min(to), *from.max(to));
        if from == to || self.0.len() >= MOST_SESSIONS && !self.0.contains_key(&key) {
            return;
        }
        let session = self.0.entry(key).or_insert_with(|| Session { heard: seen.at, ..Session::default() });
        let way = usize::from(*from != key.0);
        session.note(seen, way);
        if seen.at - session.heard > HOLD {
            session.end(session.heard);
        }
        session.heard = session.heard.max(seen.at);
        for said in said {
            match said {
                Said::Anew => session.end(seen.at),
                // Across one link a packet has the least time to live, or the most where it is guarded (RFC 5082).
                Said::Routes(update) if matches!(seen.ttl, 1 | 255) && !update.is_internal && !update.path.is_internal => {
                    if let Some(side) = session.sides.get_mut(way) {
                        side.update(update, seen, towards_you(update, *from, *to, seen.at, topology), topology);
                    }
                }
                Said::Routes(_) => {}
            }
        }
    }

    /// Some session shows Microsoft peering.
    pub fn are_shown(&self) -> bool {
        self.0.values().flat_map(|session| &session.sides).any(|side| side.microsoft.is_some())
    }

    /// The peerings that were shown, each with the taps and tunnels where it was seen, and what your router announces there.
    pub fn iter(&self) -> impl Iterator<Item = (Peering, Vec<(TapId, TunnelsId, MacPair)>, Vec<IpNet>)> {
        self.shown().map(|(session, way, peering)| {
            let points = session.points.iter().filter(move |point| point.is_of(way, &peering));
            let macs = |point: &Point| MacPair { src: peering.mac, dst: point.macs.get(1 - way).copied().unwrap_or_default() };
            let points = points.map(|point| (point.tap, point.tunnels, macs(point))).collect();
            let own = session.sides.get(1 - way).map(|side| side.own.keys().copied().collect());
            (peering, points, own.unwrap_or_default())
        })
    }

    /// The peering that frames between these link-layer addresses cross, seen at this tap through these tunnels.
    pub fn at(&self, tap: TapId, tunnels: TunnelsId, macs: MacPair) -> Option<Peering> {
        let here = |point: &Point| (point.tap, point.tunnels) == (tap, tunnels);
        let mut shown = self.shown().filter(|(.., peering)| [macs.src, macs.dst].contains(&peering.mac));
        let found = shown.find(|(session, way, peering)| session.points.iter().any(|point| here(point) && point.is_of(*way, peering)));
        found.map(|(.., peering)| peering)
    }

    /// Where sessions were seen that do not show Microsoft peering, and in which a prefix that holds `ip` is announced at `at`.
    pub fn elsewhere(&self, ip: IpAddr, at: Timestamp) -> impl Iterator<Item = (TapId, TunnelsId, MacPair)> {
        let others = self.0.values().filter(move |session| at <= session.heard + HOLD);
        let others = others.filter(|session| session.sides.iter().all(|side| side.microsoft.is_none()));
        let holds = move |session: &&Session| session.sides.iter().any(|side| side.holding(ip, at).next().is_some());
        others.filter(holds).flat_map(|session| &session.points).map(|point| {
            let [src, dst] = point.macs;
            (point.tap, point.tunnels, MacPair { src, dst })
        })
    }

    /// The longest prefix that holds `ip` and is announced at `at` on a peering that was shown before.
    pub fn announced(&self, ip: IpAddr, at: Timestamp) -> Option<Announced> {
        let held = |(session, way, peering): (&Session, usize, Peering)| {
            let own = session.sides.get(1 - way).filter(|_| peering.since.at <= at && at <= session.heard + HOLD)?;
            own.holding(ip, at).map(|net| Announced { net: *net, by: peering.yours }).max_by_key(|announced| announced.net.prefix_len())
        };
        self.shown().filter_map(held).max_by_key(|announced| (announced.net.prefix_len(), announced.by))
    }

    fn shown(&self) -> impl Iterator<Item = (&Session, usize, Peering)> {
        let sides = |(key, session)| [0, 1].map(|way| (key, session, way));
        self.0.iter().flat_map(sides).filter_map(|((one, other), session, way): (&(IpAddr, IpAddr), &Session, usize)| {
            let Shown { net, seen } = session.sides.get(way)?.microsoft.as_ref()?;
            let (router, yours) = if way == 0 { (*one, *other) } else { (*other, *one) };
            Some((session, way, Peering { router, yours, mac: seen.macs.src, net: *net, since: *seen }))
        })
    }
}

impl Session {
    fn note(&mut self, seen: &Seen, way: usize) {
        let macs = if way == 0 { [seen.macs.src, seen.macs.dst] } else { [seen.macs.dst, seen.macs.src] };
        let point = Point { tap: seen.tap, tunnels: seen.tunnels, macs };
        if self.points.len() < MOST_POINTS && !self.points.contains(&point) {
            self.points.push(point);
        }
    }

    /// All that was announced is void from `at` on.
    fn end(&mut self, at: Timestamp) {
        for period in self.sides.iter_mut().flat_map(|side| side.own.values_mut()) {
            period.until.get_or_insert(at);
        }
    }
}

impl Point {
    /// It is a point of the peering that the router on this side shows. Without link-layer addresses only the tap that saw it is.
    fn is_of(&self, way: usize, peering: &Peering) -> bool {
        let has_mac = peering.mac != Mac::default();
        self.macs.get(way) == Some(&peering.mac) && (has_mac || self.tap == peering.since.tap)
    }
}

impl Side {
    /// Prefixes that hold `ip` and are announced at `at`.
    fn holding(&self, ip: IpAddr, at: Timestamp) -> impl Iterator<Item = &IpNet> {
        self.own.iter().filter(move |(net, period)| net.contains(&ip) && period.holds(at)).map(|(net, _)| net)
    }

    fn update(&mut self, update: &Update, seen: &Seen, towards_you: bool, topology: &Topology) {
        for net in &update.withdrawn {
            if let Some(period) = self.own.get_mut(net) {
                period.until.get_or_insert(seen.at);
            }
        }
        let public = update.announced.iter().filter(|net| is_public(net, topology));
        if update.path.numbers.contains(&EXPRESSROUTE) {
            if self.microsoft.is_none() && towards_you {
                let net = public.into_iter().find(|net| topology.is_of_microsoft(net, seen.at));
                self.microsoft = net.map(|net| Shown { net: *net, seen: *seen });
            }
            return;
        }
        for net in public {
            let has_room = self.own.len() < MOST_PREFIXES;
            match self.own.get_mut(net) {
                Some(Period { until: None, .. }) => {}
                Some(period) => *period = Period { from: *seen, until: None },
                None if has_room => _ = self.own.insert(*net, Period { from: *seen, until: None }),
                None => {}
            }
        }
    }
}

impl Period {
    fn holds(&self, at: Timestamp) -> bool {
        self.from.at <= at && self.until.is_none_or(|until| at < until)
    }
}

/// Microsoft's own router sends it, or a provider's to one of yours: what you send on yourself comes from within.
fn towards_you(update: &Update, from: IpAddr, to: IpAddr, at: Timestamp, topology: &Topology) -> bool {
    let from_provider = || topology.place_of(from, at) == Place::Internet && topology.place_of(to, at).is_inside();
    update.path.neighbour == Some(EXPRESSROUTE) || from_provider()
}

fn is_public(net: &IpNet, topology: &Topology) -> bool {
    let widest = if net.addr().is_ipv4() { WIDEST.0 } else { WIDEST.1 };
    net.prefix_len() >= widest && topology.is_public(net.addr())
}

#[cfg(test)]
mod tests;
