//! Predictions: the segment over which an unseen direction comes, from where its receiver's address is advertised.

use super::{Direction, Given};
use crate::path::segment::returning;
use crate::topology::{LinkSide, Segment};

/// M4, or M5 where the receiver announced another address than it sends from; else why it is off, where that is worth saying.
pub(super) fn prediction(
    given: &Given<'_>,
    seen: &Direction<'_, '_>,
    unseen: &Direction<'_, '_>,
) -> Result<(Segment, String), Option<String>> {
    let pool = given.topology.pool(unseen.to);
    if let Some((net, [_, _, ..])) = pool {
        return Err(Some(format!("{net} is advertised on both segments: M4 is off for it")));
    }
    let route = given.facts.route(unseen.to);
    if route.is_some_and(|route| route.on_internet && pool.is_none_or(|(_, advertised)| advertised.is_empty())) {
        return Err(Some(format!("{} is announced on Microsoft peering and on the Internet (BGP, M13): M4 is off for it", unseen.to)));
    }
    let links = seen.seen.iter().flat_map(|observation| &observation.links);
    if let Some(link) = links.into_iter().find(|link| link.link.nat_side == Some(LinkSide::Inside)) {
        return Err(pool.map(|_| format!("link {} lies inside the NAT: M4 is off", link.link.id)));
    }
    let (segment, text) = returning(given.topology, unseen.from, (unseen.to, route), given.at).ok_or(None)?;
    match seen.from == unseen.to {
        true => Ok((segment, text)),
        false => Ok((segment, format!("SDP announces {}, not {} (M5); {text}", unseen.to, seen.from))),
    }
}
