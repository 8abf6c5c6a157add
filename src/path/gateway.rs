//! Which gateways of the topology carry a leg: by the name that the leg's INVITE gives, else by the address of the SBC. Several gateways
//! may stand behind one address, and then only a name tells them apart.

use crate::call::{Leg, LegMessage, Recognition};
use crate::proto::sip::{HeaderName, TypedHost, lossy, typed};
use crate::topology::{Gateway, Topology};
use std::net::IpAddr;

/// The gateways that may carry a leg.
#[derive(Debug, Clone)]
pub struct Carriers<'t> {
    /// What the INVITE calls the gateway, in lower case.
    pub name: Option<String>,
    /// The gateway of that name; without a name all those of the SBC.
    pub gateways: Vec<&'t Gateway>,
}

impl<'t> Carriers<'t> {
    /// The gateway, where there is no doubt which.
    pub fn one(&self) -> Option<&'t Gateway> {
        match self.gateways.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Why nothing can be said of them.
    pub fn lack(&self) -> String {
        match (&self.name, self.gateways.as_slice()) {
            (Some(name), []) => format!("the topology has no gateway {name}"),
            (None, []) => "no name in the leg's INVITE tells the gateway, and the topology has none at the SBC's address".to_owned(),
            (_, several) => {
                let names: Vec<&str> = several.iter().map(|gateway| gateway.fqdn.as_str()).collect();
                format!("nothing tells which of {} carries the leg", names.join(", "))
            }
        }
    }
}

/// The gateway of this name; names of hosts have no letter case.
pub fn by_name<'t>(topology: &'t Topology, name: &str) -> Option<&'t Gateway> {
    topology.tables.gateways.iter().find(|gateway| gateway.fqdn.eq_ignore_ascii_case(name))
}

/// The gateways of the SBC that has this address.
pub fn at_address(topology: &Topology, ip: IpAddr) -> Vec<&Gateway> {
    let Some(sbc) = topology.sbc(ip) else { return Vec::new() };
    let is_own = |gateway: &&Gateway| match &gateway.sbc {
        Some(id) => **id == *sbc.id,
        None => sbc.fqdn.as_ref().is_some_and(|fqdn| fqdn.eq_ignore_ascii_case(&gateway.fqdn)),
    };
    topology.tables.gateways.iter().filter(is_own).collect()
}

/// The first INVITE of a leg outside a dialog.
pub fn first_invite(leg: &Leg) -> Option<&LegMessage> {
    leg.initial_invites().find_map(|transaction| leg.message(transaction.request?))
}

/// The gateways that may carry a leg between an SBC and Microsoft.
pub fn carriers<'t>(leg: &Leg, recognition: &Recognition, topology: &'t Topology) -> Carriers<'t> {
    let name = first_invite(leg).and_then(|invite| named(invite, recognition));
    if let Some(name) = name {
        let gateways = by_name(topology, &name).into_iter().collect();
        return Carriers { name: Some(name), gateways };
    }
    let sbc = leg.ends().map(|(a, b)| if recognition.is_microsoft(a, b) { b } else { a });
    Carriers { name: None, gateways: sbc.map(|sbc| at_address(topology, sbc.ip())).unwrap_or_default() }
}

/// Microsoft names the gateway in the Request-URI, the SBC its own in the Contact: behind a proxy SBC that of the downstream one.
fn named(invite: &LegMessage, recognition: &Recognition) -> Option<String> {
    let (src, dst, sip) = (invite.message.src(), invite.message.dst(), invite.sip());
    let host = match recognition.is_microsoft(src, dst) {
        true => typed::uri_host(&lossy(sip.request_uri()?)),
        false => typed::host(sip.texts(HeaderName::Contact).first()?),
    };
    match host {
        TypedHost::Name(name) => Some(name),
        TypedHost::Ip(_) | TypedHost::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{recognise, support};

    const FILE: &str = "
[[sbc]]
id = 'one'
fqdn = 'a.example'
place = 'your_network'
signalling = ['198.51.100.4']
[[gateway]]
fqdn = 'a.example'
[[gateway]]
fqdn = 'b.example'
sbc = 'one'
[[gateway]]
fqdn = 'c.example'
sbc = 'one'
";

    fn carried(uri: &str) -> (Option<String>, Vec<String>, String) {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let ends = ("52.114.75.24:5061", "198.51.100.4:5061");
        let leg = support::leg(vec![support::message(0, ends, &format!("INVITE {uri} SIP/2.0"), "INVITE", "")]);
        let carriers = carriers(&leg, &recognise::recognise(&leg, &topology), &topology);
        let names = carriers.gateways.iter().map(|gateway| gateway.fqdn.to_string()).collect();
        (carriers.name.clone(), names, carriers.lack())
    }

    #[test]
    fn a_name_tells_the_gateway_and_without_one_all_of_the_sbc_are_left() {
        let (name, gateways, _) = carried("sip:+1@B.example:5061");
        assert_eq!((name.as_deref(), gateways), (Some("b.example"), vec!["b.example".to_owned()]));
        let (name, gateways, lack) = carried("sip:+1@198.51.100.4");
        assert_eq!((name, gateways.len()), (None, 3));
        assert_eq!(lack, "nothing tells which of a.example, b.example, c.example carries the leg");
        assert_eq!(carried("sip:+1@x.example").2, "the topology has no gateway x.example");
    }
}
