//! The header fields of Local Media Optimization in a message.

use crate::proto::sip::Sip;

/// Whether the user is inside the network.
pub const LOCATION: &str = "X-MS-UserLocation";
/// The network site of a user inside.
pub const SITE: &str = "X-MS-UserSite";
/// The SBCs that media goes through, first hop first, target last.
pub const PATH: &str = "X-MS-MediaPath";

/// Where Microsoft says that the user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserLocation {
    /// Behind a trusted address of the tenant.
    Internal,
    /// Elsewhere.
    External,
}

/// What a message tells. Site and names keep their letter case, which counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Where the user is.
    pub location: Option<UserLocation>,
    /// At which site.
    pub site: Option<String>,
    /// Through which SBCs media goes.
    pub path: Option<Vec<String>>,
}

impl Told {
    /// What `sip` tells; a value that is none of the documented ones tells nothing.
    pub fn of(sip: &Sip<'_>) -> Self {
        let text = |name| sip.named(name).map(|value| String::from_utf8_lossy(&value).trim().to_owned()).filter(|text| !text.is_empty());
        let location = text(LOCATION).and_then(|text| match text.to_ascii_lowercase().as_str() {
            "internal" => Some(UserLocation::Internal),
            "external" => Some(UserLocation::External),
            _ => None,
        });
        let names: Vec<String> = sip.all_named(PATH).flat_map(|line| list(&String::from_utf8_lossy(&line))).collect();
        Self { location, site: text(SITE), path: (!names.is_empty()).then_some(names) }
    }
}

fn list(line: &str) -> Vec<String> {
    line.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::sip::scan;

    fn told(headers: &str) -> Told {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{headers}\r\n");
        let index = scan(text.as_bytes(), false).unwrap();
        Told::of(&Sip { text: text.as_bytes(), index: &index })
    }

    #[test]
    fn names_keep_their_order_and_letter_case() {
        let all =
            told("X-MS-UserLocation: Internal\r\nX-MS-UserSite: Vietnam \r\nX-MS-MediaPath: proxysbc.contoso.com , VNsbc.contoso.com\r\n");
        assert_eq!((all.location, all.site.as_deref()), (Some(UserLocation::Internal), Some("Vietnam")));
        assert_eq!(all.path.unwrap(), ["proxysbc.contoso.com", "VNsbc.contoso.com"]);
        let lines = told("x-ms-mediapath: a.example\r\nX-MS-MediaPath: b.example\r\n");
        assert_eq!(lines.path.unwrap(), ["a.example", "b.example"]);
    }

    #[test]
    fn what_is_empty_or_unheard_of_tells_nothing() {
        assert_eq!(told("X-MS-UserLocation: moon\r\nX-MS-UserSite:\r\nX-MS-MediaPath: ,\r\n"), Told::default());
    }
}
