//! The list of Microsoft 365 endpoints that a user downloads from endpoints.office.com, as prefixes with roles. It is the list of
//! clients: which addresses are SIP proxies it does not say, so that stays with the built-in list and `[microsoft] add`.

use super::microsoft::{Cloud, Date, MicrosoftPrefix, Role, built_in};
use super::network::Tables;
use super::words::{At, Word};
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;

/// First of the UDP ports of Teams media; rows that open it are rows of media, whatever their id in this instance.
const MEDIA_PORT: u16 = 3478;

/// Where the list comes from.
const DOWNLOAD: &str = "download https://endpoints.office.com/endpoints/worldwide?clientrequestid=<a GUID> as JSON";

/// A row as the web service writes it; what else stands there is not needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    service_area: String,
    ips: Option<Vec<String>>,
    udp_ports: Option<String>,
    express_route: Option<bool>,
}

/// Reads the list's `text`. `at` is where the topology names it, `tables` say which cloud it is of and of which day. The failure says
/// what is wrong in the list, with its line.
pub(super) fn read(text: &str, at: usize, tables: &Tables) -> Result<Vec<MicrosoftPrefix>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let rows: Vec<Row> = serde_json::from_str(text).map_err(|e| not_the_list(&e))?;
    let mut roles: BTreeMap<IpNet, (Vec<Role>, bool)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_of_teams()) {
        for ip in row.ips.iter().flatten() {
            let net = IpNet::word(ip).map_err(|_| format!("line {}: '{ip}' is no prefix: {DOWNLOAD}", line_of(text, ip)))?;
            // A prefix may stand in several rows, by port.
            let (known, er) = roles.entry(net).or_default();
            known.extend(row.roles());
            *er |= row.express_route.unwrap_or_default();
        }
    }
    if roles.is_empty() {
        return Err(format!("it has no row of serviceArea Skype with ips, so it is not the list of a whole cloud: {DOWNLOAD}"));
    }
    let until = superseded(tables).map(|day| At::new(day, at));
    let prefix = |(net, (mut roles, er)): (IpNet, (Vec<Role>, bool))| {
        roles.sort_unstable();
        roles.dedup();
        MicrosoftPrefix { cidr: At::new(net, at), roles, cloud: tables.cloud, er, from: None, until: until.clone(), sources: Vec::new() }
    };
    Ok(roles.into_iter().map(prefix).collect())
}

impl Row {
    /// Teams stands under Skype; of what all services share, what ExpressRoute carries.
    fn is_of_teams(&self) -> bool {
        match self.service_area.as_str() {
            "Skype" => true,
            "Common" => self.express_route.unwrap_or_default(),
            _ => false,
        }
    }

    fn roles(&self) -> &'static [Role] {
        let media = self.service_area == "Skype" && self.udp_ports.iter().flat_map(|ports| ports.split(',')).any(opens_media);
        if media { &[Role::MediaProcessor, Role::TransportRelay, Role::Client] } else { &[Role::Client] }
    }
}

/// `3478`, or `3478-3481`.
fn opens_media(ports: &str) -> bool {
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&MEDIA_PORT),
        _ => false,
    }
}

/// The day from which the built-in list is the newer one. Nothing is built in for China.
fn superseded(tables: &Tables) -> Option<Date> {
    let newer = built_in().as_of;
    tables.microsoft.as_of.filter(|day| *day < newer && tables.cloud != Cloud::China).map(|_| newer)
}

fn not_the_list(error: &serde_json::Error) -> String {
    format!("line {}: it is not an array of objects with serviceArea and ips: {DOWNLOAD}", error.line())
}

fn line_of(text: &str, word: &str) -> usize {
    let at = text.find(&format!("\"{word}\"")).unwrap_or_default();
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::super::Topology;
    use super::*;
    use std::net::IpAddr;

    /// Rows in the shape of the web service, with addresses of our own.
    const LIST: &str = r#"[
  {"id": 11, "serviceArea": "Skype", "serviceAreaDisplayName": "Microsoft Teams", "ips": ["203.0.113.0/24", "2001:db8:9::/48"],
   "udpPorts": "3478,3479,3480,3481", "expressRoute": true, "category": "Optimize", "required": true},
  {"id": 12, "serviceArea": "Skype", "serviceAreaDisplayName": "Microsoft Teams", "urls": ["*.lync.com"], "ips": ["203.0.113.0/24",
   "192.0.2.0/28"], "tcpPorts": "80,443", "expressRoute": false, "category": "Allow", "required": true},
  {"id": 16, "serviceArea": "Skype", "serviceAreaDisplayName": "Microsoft Teams", "urls": ["*.keydelivery.mediaservices.windows.net"],
   "tcpPorts": "443", "expressRoute": false, "category": "Default", "required": false, "notes": "video"},
  {"id": 56, "serviceArea": "Common", "serviceAreaDisplayName": "Microsoft 365 Common", "ips": ["198.51.100.0/28"],
   "tcpPorts": "443,80", "udpPorts": "", "expressRoute": true, "category": "Allow", "required": true},
  {"id": 46, "serviceArea": "Common", "serviceAreaDisplayName": "Microsoft 365 Common", "ips": ["198.51.100.16/28"],
   "tcpPorts": "443", "expressRoute": false, "category": "Default", "required": true},
  {"id": 1, "serviceArea": "Exchange", "serviceAreaDisplayName": "Exchange Online", "ips": ["198.51.100.32/28"], "udpPorts": "3478",
   "tcpPorts": "443", "expressRoute": true, "category": "Optimize", "required": true}
]"#;

    fn topology(head: &str, as_of: &str, list: &str) -> Result<Topology, String> {
        let text = format!("{head}\n[microsoft]\nas_of = '{as_of}'\nlist = 'lists/e.json'\n");
        let read = |path: &str| if path == "lists/e.json" { Ok(list.to_owned()) } else { Err(format!("asked for {path}")) };
        Topology::parse_with(&text, "t.toml", read).map_err(|e| e.to_string())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn rows_of_teams_become_prefixes_with_the_day_of_the_table() {
        let topology = topology("schema = 1", "2026-09-01", LIST).unwrap();
        let at = Date::word("2026-11-20").unwrap().start();
        let media = topology.place(ip("203.0.113.7"), at);
        assert_eq!(media.why, "list 'lists/e.json' 203.0.113.0/24 as of 2026-09-01");
        assert_eq!((media.roles, media.express_route), (&[Role::MediaProcessor, Role::TransportRelay, Role::Client][..], true));
        let is_microsoft = |address: &str| topology.place(ip(address), at).place.as_str() == "microsoft";
        let of = ["2001:db8:9::1", "192.0.2.1", "198.51.100.1", "198.51.100.17", "198.51.100.33", "52.112.0.1"].map(is_microsoft);
        assert_eq!(of, [true, true, true, false, false, true]);
        assert_eq!(topology.roles(ip("192.0.2.1"), at), [Role::Client]);
        assert_eq!(topology.notes, Vec::<String>::new());
    }

    #[test]
    fn an_older_list_holds_until_the_day_of_the_built_in_one() {
        let place = |topology: &Topology, day: &str| topology.place_of(ip("192.0.2.1"), Date::word(day).unwrap().start()).to_string();
        let older = topology("cloud = 'worldwide'", "2023-07-31", LIST).unwrap();
        assert_eq!([place(&older, "2023-08-01"), place(&older, "2026-06-06")], ["microsoft", "internet"]);
        let only = topology("cloud = 'china'", "2023-07-31", LIST).unwrap();
        assert_eq!(place(&only, "2026-06-06"), "microsoft");
    }

    #[test]
    fn another_shape_is_told_with_its_line_and_the_remedy() {
        let fault = |list: &str| topology("schema = 1", "2026-09-01", list).unwrap_err();
        for list in ["", "id,serviceArea", "{\"latest\": \"2026090100\"}", "[{\"id\": 1}]", "[7]"] {
            let fault = fault(list);
            let begins = "t.toml:4: list 'lists/e.json' line 1: it is not an array";
            assert!(fault.starts_with(begins) && fault.contains("endpoints.office.com"), "{list}: {fault}");
        }
        assert!(fault("[]").contains("it has no row of serviceArea Skype"));
        let wrong = LIST.replace("192.0.2.0/28", "192.0.2.0/33");
        assert!(fault(&wrong).contains("line 5: '192.0.2.0/33' is no prefix"), "{}", fault(&wrong));
    }

    #[test]
    fn a_list_that_is_not_there_is_a_fault_of_the_topology() {
        let text = "[microsoft]\nas_of = '2026-09-01'\nlist = 'none.json'\n";
        let fault = Topology::parse_with(text, "t.toml", |_| Err("no such file".to_owned())).unwrap_err().to_string();
        assert!(
            fault.starts_with("t.toml:3: list 'none.json' cannot be read: no such file: write its path from this file's folder"),
            "{fault}"
        );
        assert!(Topology::parse(text, "t.toml").is_err());
    }

    #[test]
    fn ports_of_media_are_found_alone_and_in_ranges() {
        assert_eq!(
            ["3478", "3478-3481", " 3400 - 3500", "443", "", "a-b", "3481-3478"].map(opens_media),
            [true, true, true, false, false, false, false]
        );
    }
}
