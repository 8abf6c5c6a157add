//! What each table of a topology file switches on, and what stays off without it.

use super::{Segment, Topology};
use serde::Serialize;

/// What the file holds of one kind of fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// The tables, as they are written in the file.
    pub tables: &'static str,
    /// Entries in each of them, in the order of `tables`: `2 prefixes`.
    pub holds: Vec<String>,
    /// Whether anything stands there.
    pub on: bool,
    /// What it is for.
    pub gives: &'static str,
    /// What is done without it.
    pub without: &'static str,
}

/// Tables, how many entries of what, what they give, and what is done without.
type Line = (&'static str, Vec<(usize, &'static str)>, &'static str, &'static str);

/// The tables of `topology` in the order of the reference.
pub fn switches(topology: &Topology) -> Vec<Switch> {
    let tables = &topology.tables;
    let tenant = &tables.tenant;
    let bypass = tables.gateways.iter().filter(|gateway| gateway.bypass_mode.is_some() || gateway.proxy.is_some()).count();
    let lines: [Line; 9] = [
        (
            "[[prefix]]",
            vec![(tables.prefixes.len(), "prefix")],
            "places of addresses, for all rules on paths",
            "private addresses are taken for your network, all but Microsoft's for the Internet",
        ),
        (
            "[[nat]], [[static_nat]]",
            vec![(tables.nats.len(), "pool"), (tables.static_nats.len(), "static pair")],
            "where replies come back (M4, M5), both sides of a translated address: DR140, DR170",
            "the way back is never predicted, and a translated address is a stranger",
        ),
        (
            "[[link]], [[tunnel]]",
            vec![(tables.links.len(), "link"), (tables.tunnels.len(), "tunnel")],
            "the segment that a packet was seen on (M1, M2, M3): DR170, DR171, DR172",
            "asymmetry is 'possible' at most, and ExpressRoute cannot be told from the Internet",
        ),
        (
            "[tenant]",
            vec![
                (tenant.domains.len(), "domain"),
                (tenant.sbc_name_patterns.len(), "name pattern"),
                (tenant.trusted_ips.len(), "trusted prefix"),
            ],
            "whether an SBC's name is the tenant's: DR004, DR023, DR032, DR045",
            "names are only compared with one another",
        ),
        (
            "[[sbc]]",
            vec![(tables.sbcs.len(), "SBC")],
            "whose a public address is, ports and names of SBCs: DR004, DR023, DR032, DR045",
            "a public address of yours counts as the Internet's",
        ),
        (
            "[[gateway]]",
            vec![(tables.gateways.len(), "gateway"), (bypass, "of them with Local Media Optimization")],
            "settings of each trunk to Microsoft, Local Media Optimization: DR065, DR071, DR082, DR132-DR134, DR190-DR197",
            "settings are inferred from each call",
        ),
        (
            "[[trunk]]",
            vec![(tables.trunks.len(), "trunk")],
            "who the carrier is, its transport and MTU",
            "any SIP peer that is not Microsoft is taken for the carrier",
        ),
        (
            "[[site]], [[user]]",
            vec![(tables.sites.len(), "site"), (tables.users.len(), "user")],
            "Location-Based Routing and Local Media Optimization by site: DR192, DR193, DR196, DR200-DR204",
            "neither is evaluated",
        ),
        (
            "[numbers]",
            vec![
                (tables.numbers.emergency.as_ref().map_or(0, Vec::len), "emergency number"),
                (tables.numbers.private_ranges.len(), "private range"),
            ],
            "numbers that need no '+': DR012, DR013, DR014, DR210",
            "the built-in emergency numbers",
        ),
    ];
    let microsoft = Switch {
        tables: "[microsoft]",
        holds: counted(&[(tables.microsoft.listed.len(), "listed prefix"), (tables.microsoft.add.len(), "added prefix")]),
        on: tables.microsoft.list.is_some() || !tables.microsoft.add.is_empty(),
        gives: "Microsoft's prefixes beside the built-in ones, for everything",
        without: "the built-in list alone",
    };
    let switch = |(tables, counts, gives, without): Line| Switch {
        tables,
        on: counts.iter().any(|(n, _)| *n > 0),
        holds: counted(&counts),
        gives,
        without,
    };
    lines.into_iter().map(switch).chain([microsoft]).collect()
}

fn counted(counts: &[(usize, &str)]) -> Vec<String> {
    counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {}", plural(*n, what))).collect()
}

fn plural(n: usize, what: &str) -> String {
    match what {
        _ if n == 1 || what.starts_with("of ") => what.to_owned(),
        _ if what.ends_with('x') => format!("{what}es"),
        _ => format!("{what}s"),
    }
}

/// What the file leaves open, in words: segments that nobody filled in, pools of which nobody said where they are advertised.
pub fn open_questions(topology: &Topology) -> Vec<String> {
    let tables = &topology.tables;
    let unknown = tables.links.iter().filter(|link| *link.segment == Segment::Unknown);
    let links = unknown.map(|link| format!("link {} has segment \"?\": write expressroute, internet or local", link.id));
    let silent = tables.nats.iter().filter(|nat| nat.advertised.is_empty());
    let pools =
        silent.map(|nat| format!("pool {} has no advertised: write [\"internet\"] or [\"expressroute\"], M4 is off for it", nat.pool));
    links.chain(pools).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_counted_and_empty_ones_are_off() {
        let text = "[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'dmz'\n[[prefix]]\ncidr = '10.1.0.0/16'\nplace = 'dmz'\n[[nat]]\npool = '198.51.100.0/28'\n";
        let switches = switches(&Topology::parse(text, "t.toml").unwrap());
        let on: Vec<(&str, String)> = switches.iter().filter(|s| s.on).map(|s| (s.tables, s.holds.join(", "))).collect();
        assert_eq!(on, [("[[prefix]]", "2 prefixes".to_owned()), ("[[nat]], [[static_nat]]", "1 pool".to_owned())]);
        assert_eq!(switches.len(), 10);
    }

    #[test]
    fn what_nobody_filled_in_is_asked_for() {
        let text = "[[link]]\nid = 'a'\nsegment = '?'\nvlan = [[7]]\n[[nat]]\npool = '198.51.100.0/28'\n[[nat]]\npool = '192.0.2.0/28'\nadvertised = ['internet']\n";
        let open = open_questions(&Topology::parse(text, "t.toml").unwrap());
        assert_eq!(open.len(), 2, "{open:?}");
        assert!(open[0].starts_with("link a has segment") && open[1].contains("M4 is off"), "{open:?}");
    }
}
