//! What many surveys say together, bounded whatever a capture holds.

use crate::report::{HostRole, Survey};
use crate::topology::Mac;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Hosts that are told apart, and peers, and what is kept of each.
const MOST_HOSTS: usize = 256;
/// Names, ports and gateways that are kept of each host and tap.
const MOST_EACH: usize = 16;

/// Private space by convention; a guess of what is yours is made in these.
const BLOCKS: [&str; 5] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];

/// All that was seen.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Hosts that speak with Microsoft.
    pub hosts: BTreeMap<IpAddr, Seen>,
    /// Taps at which packets between Microsoft and others were seen.
    pub taps: BTreeMap<u32, TapSeen>,
    /// Ends behind SBCs, with the addresses that SBCs have there.
    pub peers: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    /// Addresses that SBCs have behind them, by their address towards Microsoft.
    pub inner: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    /// Private blocks that addresses were seen in, and how many, up to a number.
    pub blocks: BTreeMap<&'static str, BTreeSet<IpAddr>>,
    /// Clouds of Microsoft's SIP proxies.
    pub clouds: BTreeSet<String>,
}

/// A host.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// It is an SBC.
    pub signalling: bool,
    /// SBCs whose media it has.
    pub media_of: BTreeSet<IpAddr>,
    /// Its names, and what says so.
    pub names: BTreeMap<String, String>,
    /// Ports on which it listens for Microsoft.
    pub ports: BTreeSet<u16>,
    /// Packets to Microsoft and back.
    pub packets: [u64; 2],
}

/// A tap.
#[derive(Debug, Default)]
pub(super) struct TapSeen {
    /// Packets to Microsoft and back.
    pub packets: [u64; 2],
    /// The same by gateway.
    pub gateways: BTreeMap<Mac, [u64; 2]>,
}

impl Gathered {
    /// Takes in what one call or connection shows.
    pub fn add(&mut self, survey: Survey) {
        for run in survey.runs {
            let way = usize::from(!run.outbound);
            if let Some(seen) = entry(&mut self.hosts, run.host, MOST_HOSTS) {
                count(&mut seen.packets, way, run.packets);
                match run.role {
                    HostRole::Signalling => seen.signalling = true,
                    HostRole::MediaOf(sbc) => keep(&mut seen.media_of, sbc),
                    HostRole::Unknown => {}
                }
            }
            let tap = self.taps.entry(run.tap).or_default();
            count(&mut tap.packets, way, run.packets);
            // Links without addresses of their own have none.
            if run.gateway != Mac::default()
                && let Some(packets) = entry(&mut tap.gateways, run.gateway, MOST_EACH)
            {
                count(packets, way, run.packets);
            }
        }
        for name in survey.names {
            if let Some(seen) = entry(&mut self.hosts, name.host, MOST_HOSTS) {
                seen.signalling = true;
                if let Some(by) = entry(&mut seen.names, name.name, MOST_EACH).filter(|by| by.is_empty()) {
                    *by = name.by;
                }
            }
        }
        for (host, port) in survey.ports {
            if let Some(seen) = entry(&mut self.hosts, host, MOST_HOSTS) {
                keep(&mut seen.ports, port);
            }
        }
        for leg in survey.peers {
            entry(&mut self.peers, leg.peer, MOST_HOSTS).into_iter().for_each(|inner| keep(inner, leg.inner));
            entry(&mut self.inner, leg.sbc, MOST_HOSTS).into_iter().for_each(|inner| keep(inner, leg.inner));
        }
        for ip in survey.private {
            if let Some(block) = BLOCKS.iter().find(|block| is_in(block, ip))
                && let Some(seen) = entry(&mut self.blocks, *block, BLOCKS.len())
            {
                keep(seen, ip);
            }
        }
        survey.clouds.into_iter().for_each(|cloud| keep(&mut self.clouds, cloud));
    }

    /// Whether `ip` lies in space that is private by convention.
    pub fn is_private(ip: IpAddr) -> bool {
        BLOCKS.iter().any(|block| is_in(block, ip))
    }
}

fn is_in(block: &str, ip: IpAddr) -> bool {
    block.parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&ip))
}

fn count(packets: &mut [u64; 2], way: usize, n: u64) {
    packets.iter_mut().skip(way).take(1).for_each(|packets| *packets += n);
}

/// The value of a key, made if there is room.
fn entry<K: Ord, V: Default>(map: &mut BTreeMap<K, V>, key: K, most: usize) -> Option<&mut V> {
    (map.len() < most || map.contains_key(&key)).then(|| map.entry(key).or_default())
}

fn keep<T: Ord>(set: &mut BTreeSet<T>, value: T) {
    if set.len() < MOST_EACH {
        set.insert(value);
    }
}
