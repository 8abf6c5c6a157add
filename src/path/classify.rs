//! `callpath classify`: what an address is, why, and what lies between you and it.

use super::segment::between;
use crate::time::Timestamp;
use crate::topology::{Place, Role, Segment, Topology};
use serde::Serialize;
use std::net::IpAddr;

/// One address, classified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Classified {
    /// The address.
    pub ip: IpAddr,
    /// What it belongs to.
    pub place: Place,
    /// What that rests on.
    pub why: String,
    /// Id of the SBC whose address it is.
    pub sbc: Option<String>,
    /// What it may be, when it is Microsoft's.
    pub roles: Vec<Role>,
    /// What packets between your network and it cross, as far as the addresses tell.
    pub segment: Segment,
}

/// Classifies addresses as a capture taken at `at` would see them.
pub fn classify(topology: &Topology, ips: &[IpAddr], at: Timestamp) -> Vec<Classified> {
    ips.iter().map(|ip| one(topology, *ip, at)).collect()
}

fn one(topology: &Topology, ip: IpAddr, at: Timestamp) -> Classified {
    let placed = topology.place(ip, at);
    let private_link = topology.trunk(ip).is_some_and(|trunk| trunk.private_link);
    Classified {
        ip,
        place: placed.place,
        segment: if private_link { Segment::Local } else { between(topology, Place::YourNetwork, placed.place) },
        why: placed.why,
        sbc: placed.sbc.map(|sbc| sbc.id.to_string()),
        roles: placed.roles.to_vec(),
    }
}

/// One line per address, in columns: address, place, segment from you to it, reason, roles. Control characters are escaped.
pub fn text(classified: &[Classified]) -> String {
    let rows: Vec<[String; 3]> =
        classified.iter().map(|one| [one.ip.to_string(), one.place.to_string(), one.segment.to_string()]).collect();
    let widths: Vec<usize> =
        (0..3).map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (row, one) in rows.iter().zip(classified) {
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(&escaped(&reason(one)));
        text.push('\n');
    }
    text
}

fn reason(one: &Classified) -> String {
    if one.roles.is_empty() {
        return one.why.clone();
    }
    let roles: Vec<String> = one.roles.iter().map(Role::to_string).collect();
    format!("{}; may be {}", one.why, roles.join(", "))
}

/// Labels come from a file that may have been sent by a stranger.
fn escaped(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_795_000_000_000_000_000); // 2026-11-18

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn one_line_per_address_says_place_segment_reason_and_roles() {
        let found = classify(&Topology::built_in(), &ips(&["10.0.0.1", "52.114.75.24", "8.8.8.8"]), AT);
        assert_eq!(
            text(&found),
            [
                "10.0.0.1      your_network  local                     private address (RFC 1918), a guess without a topology",
                "52.114.75.24  microsoft     internet_or_expressroute  built-in Microsoft list 52.112.0.0/14 as of 2026-06-06; may be signalling, media processor, transport relay, client",
                "8.8.8.8       internet      internet                  in no known prefix",
                "",
            ]
            .join("\n")
        );
    }

    #[test]
    fn without_expressroute_the_way_to_microsoft_is_the_internet() {
        let topology = Topology::parse("express_route = false\n", "t.toml").unwrap();
        assert_eq!(classify(&topology, &ips(&["52.114.75.24"]), AT)[0].segment, Segment::Internet);
    }

    #[test]
    fn private_trunk_is_local_and_a_public_one_is_internet() {
        let file =
            "[[trunk]]\nname = 'a'\npeers = ['192.0.2.0/28']\nprivate_link = true\n[[trunk]]\nname = 'b'\npeers = ['192.0.2.16/28']\n";
        let found = classify(&Topology::parse(file, "t.toml").unwrap(), &ips(&["192.0.2.1", "192.0.2.17"]), AT);
        assert_eq!((found[0].place, found[0].segment), (Place::Carrier, Segment::Local));
        assert_eq!((found[1].place, found[1].segment), (Place::Carrier, Segment::Internet));
    }

    #[test]
    fn json_has_the_names_of_the_contract() {
        let file = "[[sbc]]\nid = 's'\nplace = 'dmz'\nmedia = ['198.51.100.5']\n";
        let found = classify(&Topology::parse(file, "t.toml").unwrap(), &ips(&["198.51.100.5", "52.127.64.33"]), AT);
        assert_eq!(
            serde_json::to_string(&found).unwrap(),
            r#"[{"ip":"198.51.100.5","place":"dmz","why":"address of sbc s","sbc":"s","roles":[],"segment":"local"},{"ip":"52.127.64.33","place":"microsoft","why":"built-in Microsoft list 52.127.64.0/21 (dod) as of 2026-06-06","sbc":null,"roles":["sig","mp","tr","cli"],"segment":"internet_or_expressroute"}]"#
        );
    }

    #[test]
    fn labels_cannot_steer_a_terminal() {
        let file = "[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'dmz'\nlabel = \"a\\u001b[2J\"\n";
        let found = classify(&Topology::parse(file, "t.toml").unwrap(), &ips(&["10.0.0.1"]), AT);
        assert!(!text(&found).contains('\u{1b}'));
    }
}
