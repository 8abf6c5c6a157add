//! From text to tables.

use super::endpoints;
use super::microsoft::MicrosoftPrefix;
use super::network::Tables;
use super::written::{self, Source};
use crate::error::Error;

/// One line of a file for each key that a fault may be about.
const EXAMPLES: [(&str, &str); 38] = [
    ("add", "add = [{ cidr = \"52.112.0.0/14\", roles = [\"sig\", \"mp\"] }]"),
    ("advertised", "advertised = [\"internet\"]"),
    ("as_of", "as_of = \"2026-06-06\""),
    ("baseline", "baseline = { ttl = 52, rtt_ms = 14, remote = \"52.112.0.0/14\" }"),
    ("cidr", "cidr = \"10.0.0.0/8\""),
    ("cloud", "cloud = \"worldwide\""),
    ("domains", "domains = [\"contoso.com\"]"),
    ("emergency", "emergency = [\"112\", \"911\"]"),
    ("ends", "ends = [\"198.51.100.9\", \"203.0.113.77\"]"),
    ("express_route", "express_route = true"),
    ("failover_codes", "failover_codes = [408, 503, 504]"),
    ("file", "file = [\"er-tap*.pcapng\"]"),
    ("fqdn", "fqdn = \"sbc.contoso.com\""),
    ("id", "id = \"a-name\""),
    ("inner_media", "inner_media = [\"192.168.3.5\"]"),
    ("inside", "inside = \"10.1.5.10\""),
    ("interface", "interface = [\"eth2\", \"eth3\"]"),
    ("kind", "kind = \"gre\""),
    ("lbr_edition", "lbr_edition = \"2023\""),
    ("mac", "mac = [\"00:00:5e:00:01:0a\"]"),
    ("media", "media = [\"198.51.100.5\"]"),
    ("name", "name = \"a name\""),
    ("number", "number = \"+84455555555\""),
    ("outside", "outside = \"198.51.100.4\""),
    ("peers", "peers = [\"192.0.2.0/28\"]"),
    ("place", "place = \"your_network\""),
    ("policy", "policy = [\"sbc.contoso.com\"]"),
    ("pool", "pool = \"198.51.100.0/28\""),
    ("private_ranges", "private_ranges = ['^1\\d{3}$']"),
    ("remote", "remote = \"52.112.0.0/14\""),
    ("roles", "roles = [\"sig\", \"mp\", \"tr\", \"cli\"]"),
    ("segment", "segment = \"expressroute\""),
    ("signalling", "signalling = [\"198.51.100.4\"]"),
    ("sites", "sites = [\"Vietnam\"]"),
    ("sites_lbr", "sites_lbr = [\"Vietnam\"]"),
    ("subnets", "subnets = [\"192.168.1.0/24\"]"),
    ("trusted_ips", "trusted_ips = [\"198.51.100.0/28\"]"),
    ("vlan", "vlan = [[1201], [400, 1201]]"),
];

/// Reads the tables. Fails on the first fault of syntax, key or value, with its line.
pub(super) fn read(source: Source<'_>) -> Result<Tables, Error> {
    written::read(source, &EXAMPLES)
}

/// Reads the list of Microsoft's prefixes that the tables name; `read` gives its text.
pub(super) fn listed(
    tables: &Tables,
    source: Source<'_>,
    read: impl FnOnce(&str) -> Result<String, String>,
) -> Result<Vec<MicrosoftPrefix>, Error> {
    let Some(list) = &tables.microsoft.list else { return Ok(Vec::new()) };
    let remedy = "write its path from this file's folder on, or remove the key";
    let text = read(list).map_err(|why| source.fault(list.offset, format!("list '{list}' cannot be read: {why}: {remedy}")))?;
    endpoints::read(&text, list.offset, tables).map_err(|why| source.fault(list.offset, format!("list '{list}' {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_sorted_and_each_is_toml() {
        assert!(EXAMPLES.is_sorted_by_key(|(key, _)| *key));
        for (key, line) in EXAMPLES {
            let table: toml::Table = line.parse().unwrap();
            assert!(table.contains_key(key), "{line}");
        }
    }
}
