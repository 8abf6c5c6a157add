//! Where an endpoint is: its external address against the tenant's trusted ones, then its subnet against the sites'.

use super::facts::Location;
use crate::topology::{Site, Topology};
use ipnet::IpNet;
use std::net::IpAddr;

/// Where an endpoint is, and what that rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<'t> {
    /// The place; none where an address that decides is not known.
    pub location: Option<Location<'t>>,
    /// What it rests on, lower case, without a final stop.
    pub why: String,
}

/// Places an endpoint with the addresses `inside` its network, seen from the Internet as `external`. An external address that the
/// tenant does not trust decides alone. Then the longest subnet of a site decides; an IPv6 match wins over one of IPv4.
pub fn location<'t>(topology: &'t Topology, inside: &[IpAddr], external: Option<IpAddr>) -> Located<'t> {
    let Some(external) = external.map(|ip| ip.to_canonical()) else {
        return Located { location: None, why: "its external address is not known".to_owned() };
    };
    let trusted = topology.tables.tenant.trusted_ips.iter().filter(|net| net.contains(&external)).max_by_key(|net| net.prefix_len());
    let Some(trusted) = trusted else {
        let why = format!("{external} is not among the tenant's trusted addresses");
        return Located { location: Some(Location::UnknownExternal), why };
    };
    let behind = format!("{external} is trusted ({trusted})");
    if inside.is_empty() {
        return Located { location: None, why: format!("its address inside is not known; {behind}") };
    }
    match site(topology, inside) {
        Some((site, net, ip)) => Located {
            location: Some(Location::Site { id: &site.id, lbr: site.lbr }),
            why: format!("{ip} is in subnet {net} of site {}; {behind}", site.id),
        },
        None => Located { location: Some(Location::UnknownInternal), why: format!("{} in a subnet of no site; {behind}", list(inside)) },
    }
}

/// The site whose subnet holds one of the addresses, with that subnet and address: any of IPv6 first, then the longest.
fn site<'t>(topology: &'t Topology, inside: &[IpAddr]) -> Option<(&'t Site, IpNet, IpAddr)> {
    let subnets = || topology.tables.sites.iter().flat_map(|site| site.subnets.iter().map(move |net| (site, **net)));
    let matches = inside.iter().map(|ip| ip.to_canonical()).flat_map(|ip| {
        let holding = subnets().filter(move |(_, net)| net.contains(&ip));
        holding.map(move |(site, net)| (site, net, ip))
    });
    matches.max_by_key(|(_, net, ip)| (ip.is_ipv6(), net.prefix_len()))
}

fn list(ips: &[IpAddr]) -> String {
    let texts: Vec<String> = ips.iter().map(IpAddr::to_string).collect();
    format!("{} {}", texts.join(" and "), if texts.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
[tenant]
trusted_ips = ['198.51.100.0/28', '2001:db8:ffff::/64']
[[site]]
id = 'Region'
subnets = ['10.0.0.0/8', '2001:db8::/32']
[[site]]
id = 'Hanoi'
subnets = ['10.1.0.0/16']
lbr = true
[[site]]
id = 'Hue'
subnets = ['10.1.7.0/24', '2001:db8:7::/48']
lbr = true
";

    fn at(inside: &[&str], external: Option<&str>) -> (String, String) {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let inside: Vec<IpAddr> = inside.iter().map(|ip| ip.parse().unwrap()).collect();
        let located = location(&topology, &inside, external.map(|ip| ip.parse().unwrap()));
        let place = match located.location {
            Some(Location::Site { id, lbr }) => format!("{id} {lbr}"),
            other => format!("{other:?}"),
        };
        (place, located.why)
    }

    #[test]
    fn an_external_address_that_is_not_trusted_decides_alone() {
        let (place, why) = at(&["10.1.7.9"], Some("203.0.113.9"));
        assert_eq!((place.as_str(), why.as_str()), ("Some(UnknownExternal)", "203.0.113.9 is not among the tenant's trusted addresses"));
        assert_eq!(at(&[], Some("203.0.113.9")).0, "Some(UnknownExternal)");
        assert_eq!(at(&["10.1.7.9"], Some("198.51.100.16")).0, "Some(UnknownExternal)");
    }

    #[test]
    fn a_trusted_endpoint_in_no_subnet_is_at_an_unknown_place_inside() {
        let (place, why) = at(&["192.168.1.1"], Some("198.51.100.3"));
        assert_eq!(place, "Some(UnknownInternal)");
        assert_eq!(why, "192.168.1.1 is in a subnet of no site; 198.51.100.3 is trusted (198.51.100.0/28)");
    }

    #[test]
    fn the_longest_subnet_decides() {
        for (ip, site) in [("10.1.7.255", "Hue true"), ("10.1.8.0", "Hanoi true"), ("10.2.0.1", "Region false")] {
            assert_eq!(at(&[ip], Some("198.51.100.3")).0, site, "{ip}");
        }
        let why = at(&["10.1.7.9"], Some("::ffff:198.51.100.3")).1;
        assert_eq!(why, "10.1.7.9 is in subnet 10.1.7.0/24 of site Hue; 198.51.100.3 is trusted (198.51.100.0/28)");
    }

    #[test]
    fn an_ipv6_match_wins_over_ipv4_whatever_its_length_and_order() {
        for inside in [["10.1.7.9", "2001:db8:1::9"], ["2001:db8:1::9", "10.1.7.9"]] {
            assert_eq!(at(&inside, Some("198.51.100.3")).0, "Region false", "{inside:?}");
        }
        assert_eq!(at(&["10.1.7.9", "2001:db9::9"], Some("2001:db8:ffff::1")).0, "Hue true", "an IPv6 address in no subnet is no match");
        assert_eq!(at(&["10.1.7.9", "fe80::1"], Some("198.51.100.3")).0, "Hue true");
    }

    #[test]
    fn an_address_that_decides_and_is_not_known_leaves_the_place_open() {
        assert_eq!(at(&["10.1.7.9"], None), ("None".to_owned(), "its external address is not known".to_owned()));
        let why = "its address inside is not known; 198.51.100.3 is trusted (198.51.100.0/28)";
        assert_eq!(at(&[], Some("198.51.100.3")), ("None".to_owned(), why.to_owned()));
    }

    #[test]
    fn without_trusted_addresses_everyone_is_outside() {
        let topology = Topology::built_in();
        let located = location(&topology, &["10.0.0.1".parse().unwrap()], Some("198.51.100.3".parse().unwrap()));
        assert_eq!(located.location, Some(Location::UnknownExternal));
    }
}
