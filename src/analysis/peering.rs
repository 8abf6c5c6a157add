//! What BGP showed of the links to Microsoft (M13): where it stands in for the topology, from when on, and where it contradicts it.

use super::contradict::few;
use crate::call::Peering;
use crate::path::Network;
use crate::topology::{Advertised, Heading, MacPair, Segment};
use ipnet::IpNet;

/// Notes on the peerings of a run, in order of their routers.
pub fn notes(network: &Network<'_>) -> Vec<String> {
    let (mut stands_in, mut contradicts) = (Vec::new(), Vec::new());
    for (peering, points, own) in network.peerings.iter() {
        let Peering { router, net, since, .. } = peering;
        if network.topology.tables.express_route == Some(false) {
            contradicts.push(format!("the topology has no ExpressRoute, and {}: it is not taken for one", told(&peering)));
        }
        let mut taps: Vec<String> = Vec::new();
        for (tap, tunnels, macs) in points {
            let tap = network.tap(tap, tunnels);
            let links = network.topology.links(&tap, MacPair { src: macs.src, dst: macs.dst }, Heading::Inbound);
            match links.iter().find(|link| *link.link.segment != Segment::Unknown) {
                Some(link) if *link.link.segment != Segment::Expressroute => {
                    let (id, segment) = (&link.link.id, *link.link.segment);
                    let text = format!("link {id} is of {segment}, and {} there: it counts as the topology says", told(&peering));
                    contradicts.extend(Some(text).filter(|text| !contradicts.contains(text)));
                }
                Some(_) => {}
                None => taps.extend(Some(tap.describe()).filter(|tap| !taps.contains(tap))),
            }
        }
        if !taps.is_empty() && network.topology.tables.express_route != Some(false) {
            let (taps, since) = (taps.join(" and "), since.at.rfc3339());
            stands_in.push(format!(
                "{taps}: what router {router} sends or receives counts as expressroute from {since} on, when it announced {net} by AS 12076 \
                 (BGP, M13); what came before, and what was judged before, knows nothing of it"
            ));
        }
        contradicts.extend(own.iter().filter_map(|net| elsewhere(network, &peering, net)));
    }
    let mut notes = few(stands_in, "peerings are told by BGP too");
    notes.extend(few(contradicts, "such contradictions between BGP and the topology"));
    notes
}

fn told(Peering { router, net, .. }: &Peering) -> String {
    format!("BGP shows Microsoft peering ({router} announces {net} by AS 12076)")
}

/// A pool that the topology has advertised elsewhere only.
fn elsewhere(network: &Network<'_>, peering: &Peering, net: &IpNet) -> Option<String> {
    let (pool, advertised) = network.topology.pool(net.network())?;
    let only = advertised.first().filter(|_| !advertised.contains(&Advertised::Expressroute))?.segment();
    let by = peering.yours;
    Some(format!(
        "{pool} is advertised on {only} only by the topology, and {by} announces {net} on Microsoft peering (BGP): M4 goes by the topology"
    ))
}
