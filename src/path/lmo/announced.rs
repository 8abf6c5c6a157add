//! The addresses that an SBC announces to Microsoft for audio, beside what Microsoft had said of the user by then.

use super::told::Told;
use crate::call::{Leg, LegMessage, Recognition, media};
use crate::proto::sip::Method;
use crate::time::Timestamp;
use crate::topology::{Place, Topology};
use std::net::IpAddr;

/// A session description of the SBC.
#[derive(Debug, Clone)]
pub struct Announced<'l> {
    /// Its message.
    pub message: &'l LegMessage,
    /// Addresses of its audio, ICE candidates included, each once; none where it is declined or held.
    pub ips: Vec<IpAddr>,
    /// What Microsoft had said last of where the user is, with the message that did.
    pub told: Option<(&'l LegMessage, Told)>,
}

/// The SBC's session descriptions on a leg with Microsoft, in order; none where Microsoft never says where the user is.
pub fn announced<'l>(leg: &'l Leg, recognition: &Recognition) -> Vec<Announced<'l>> {
    let locates = |m: &&LegMessage| m.start.method == Method::Invite && recognition.is_microsoft(m.message.src(), m.message.dst());
    if !leg.messages.iter().filter(locates).any(|message| Told::of(&message.sip()).location.is_some()) {
        return Vec::new(); // as on most legs: no description need be read
    }
    let (mut announced, mut told) = (Vec::new(), None);
    let mut described = leg.described.iter().peekable();
    for (idx, message) in leg.messages.iter().enumerate() {
        let own = described.next_if(|described| described.message as usize == idx);
        if recognition.is_microsoft(message.message.src(), message.message.dst()) {
            let said = (message.start.method == Method::Invite).then(|| Told::of(&message.sip()));
            told = said.filter(|said| said.location.is_some()).map(|said| (message, said)).or(told);
            continue;
        }
        let Some(own) = own else { continue };
        let audio = own.sdp(leg).audio();
        let mut ips: Vec<IpAddr> = audio.into_iter().flat_map(media::endpoints).map(|end| end.ip().to_canonical()).collect();
        ips.sort_unstable();
        ips.dedup();
        announced.push(Announced { message, ips, told: told.clone() });
    }
    announced
}

/// Which side of an SBC an address is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// For clients in the network.
    Inner,
    /// For the Internet.
    Outer,
    /// Neither can be shown.
    Unknown,
}

/// The side of an SBC's address: as the topology has it, else by whether the Internet knows it.
pub fn realm(topology: &Topology, ip: IpAddr, at: Timestamp) -> Realm {
    if let Some(sbc) = topology.sbc(ip) {
        if sbc.inner_media.iter().any(|inner| **inner == ip) {
            return Realm::Inner;
        }
        if sbc.media.iter().any(|outer| **outer == ip) {
            return Realm::Outer;
        }
    }
    match topology.place_of(ip, at) {
        _ if is_private(ip) => Realm::Inner,
        Place::Internet => Realm::Outer,
        _ => Realm::Unknown,
    }
}

/// The Internet has no route to it (RFC 1918, RFC 6598, RFC 3927, RFC 4193).
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || matches!(ip.octets(), [100, 64..=127, ..]),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topology_tells_the_side_and_else_the_number_does() {
        let text = "[[sbc]]\nid = 's'\nplace = 'your_network'\nsignalling = ['203.0.113.9']\nmedia = ['10.9.9.9']\ninner_media = ['203.0.113.5']\n\
                    [[prefix]]\ncidr = '203.0.113.0/24'\nplace = 'your_network'\n";
        let topology = Topology::parse(text, "t.toml").unwrap();
        let of = |ip: &str| realm(&topology, ip.parse().unwrap(), Timestamp(0));
        assert_eq!([of("10.9.9.9"), of("203.0.113.5")], [Realm::Outer, Realm::Inner]);
        assert_eq!([of("192.168.3.5"), of("100.100.0.1"), of("fd00::1")], [Realm::Inner; 3]);
        assert_eq!([of("198.51.100.5"), of("203.0.113.77"), of("203.0.113.9")], [Realm::Outer, Realm::Unknown, Realm::Unknown]);
    }
}
