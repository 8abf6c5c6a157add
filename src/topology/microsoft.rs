//! Microsoft's prefixes: the built-in list (`rules/microsoft-prefixes.toml`), each row with its days of validity, and the
//! `[microsoft]` table that adds to it.

use super::words::{At, Word, list, one_of, optional, word};
use crate::time::Timestamp;
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::LazyLock;

static BUILT_IN: LazyLock<List> = LazyLock::new(|| {
    toml::from_str(include_str!("../../rules/microsoft-prefixes.toml")).expect("the built-in list parses, as a test shows")
});

/// What an address of a Microsoft prefix may be. Prefixes are shared: port, protocol and SDP tell which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// SIP proxy of Direct Routing.
    #[serde(rename = "sig")]
    Signalling,
    /// Media processor.
    #[serde(rename = "mp")]
    MediaProcessor,
    /// Transport relay.
    #[serde(rename = "tr")]
    TransportRelay,
    /// Media and HTTPS of Teams clients.
    #[serde(rename = "cli")]
    Client,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signalling => "signalling",
            Self::MediaProcessor => "media processor",
            Self::TransportRelay => "transport relay",
            Self::Client => "client",
        })
    }
}

impl Word for Role {
    const WHAT: &'static str = "a role";
    fn word(text: &str) -> Result<Self, String> {
        let known = [
            ("sig", Self::Signalling),
            ("mp", Self::MediaProcessor),
            ("tr", Self::TransportRelay),
            ("cli", Self::Client),
            ("signalling", Self::Signalling),
            ("media_processor", Self::MediaProcessor),
            ("transport_relay", Self::TransportRelay),
            ("client_media", Self::Client),
        ];
        one_of("role", text, &known)
    }
}

/// A Microsoft 365 cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Cloud {
    /// Worldwide, GCC included.
    #[default]
    Worldwide,
    /// GCC High.
    GccHigh,
    /// DoD.
    Dod,
    /// Operated by 21Vianet; no prefix of it is built in.
    China,
    /// Azure Communication Services, in the list only.
    Acs,
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Worldwide => "worldwide",
            Self::GccHigh => "gcc-high",
            Self::Dod => "dod",
            Self::China => "china",
            Self::Acs => "acs",
        })
    }
}

impl Word for Cloud {
    const WHAT: &'static str = "a cloud";
    fn word(text: &str) -> Result<Self, String> {
        let known = [("worldwide", Self::Worldwide), ("gcc-high", Self::GccHigh), ("dod", Self::Dod), ("china", Self::China)];
        one_of("cloud", text, &known)
    }
}

/// A cloud in a list of prefixes, where Azure Communication Services stand beside the tenants' clouds.
fn list_cloud<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cloud, D::Error> {
    let text: String = word(deserializer)?;
    if text == "acs" { Ok(Cloud::Acs) } else { Cloud::word(&text).map_err(D::Error::custom) }
}

/// A calendar day; as a point of time its first moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// 00:00 UTC of the day, clamped to the years that a [`Timestamp`] can hold.
    pub fn start(self) -> Timestamp {
        let days = self.0.duration_since(jiff::civil::date(1970, 1, 1)).as_secs();
        Timestamp(days.saturating_mul(1_000_000_000))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Word for Date {
    const WHAT: &'static str = "a date";
    fn word(text: &str) -> Result<Self, String> {
        let right = text.len() == 10; // jiff also reads dates with a time behind them
        let day = right.then(|| text.parse().ok()).flatten();
        day.map(Self).ok_or_else(|| format!("'{text}' is not a date: write one like \"2026-06-06\""))
    }
}

/// One row of a list of Microsoft prefixes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MicrosoftPrefix {
    /// The prefix.
    pub cidr: At<IpNet>,
    /// What its addresses may be.
    #[serde(deserialize_with = "list")]
    pub roles: Vec<Role>,
    /// The cloud it belongs to.
    #[serde(default, deserialize_with = "list_cloud")]
    pub cloud: Cloud,
    /// Whether the endpoint list marks it as ExpressRoute-capable.
    #[serde(default)]
    pub er: bool,
    /// First day of validity; absent: always.
    #[serde(default, deserialize_with = "optional")]
    pub from: Option<Date>,
    /// First day on which it is no longer valid; absent: still valid.
    #[serde(default)]
    pub until: Option<At<Date>>,
    /// Keys of the documents that name it.
    #[serde(default, deserialize_with = "list")]
    pub sources: Vec<String>,
}

impl MicrosoftPrefix {
    /// Whether the row is valid at `at`.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from.start() <= at) && self.until.as_ref().is_none_or(|until| at < until.start())
    }
}

/// The built-in list as read from its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    #[serde(rename = "schema")]
    _schema: u32,
    /// Day of the newest list behind the rows.
    #[serde(deserialize_with = "word")]
    pub as_of: Date,
    #[serde(rename = "prefix")]
    pub prefixes: Vec<MicrosoftPrefix>,
}

/// The built-in list.
pub(super) fn built_in() -> &'static List {
    &BUILT_IN
}

/// `[microsoft]`: what the user knows better than the built-in list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Microsoft {
    /// Path of a file in the format of endpoints.office.com, from the topology's folder on.
    pub list: Option<At<String>>,
    /// Day on which `list` and `add` were right; compulsory with either.
    #[serde(default, deserialize_with = "optional")]
    pub as_of: Option<Date>,
    /// Rows beside the built-in ones; of equal prefixes these decide.
    #[serde(default)]
    pub add: Vec<MicrosoftPrefix>,
    /// Rows of `list`, which decide over equal built-in ones.
    #[serde(skip)]
    pub listed: Vec<MicrosoftPrefix>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(day: &str) -> Vec<String> {
        let at = Date::word(day).unwrap().start();
        built_in().prefixes.iter().filter(|row| row.is_valid(at)).map(|row| row.cidr.to_string()).collect()
    }

    #[test]
    fn built_in_list_parses_and_every_row_names_roles_and_sources() {
        assert_eq!(built_in().as_of.to_string(), "2026-06-06");
        assert!(built_in().prefixes.iter().all(|row| !row.roles.is_empty() && !row.sources.is_empty()));
    }

    #[test]
    fn no_day_has_one_prefix_twice_in_one_cloud() {
        for day in ["2018-07-01", "2020-06-01", "2022-01-01", "2023-07-31", "2025-01-01", "2026-06-06", "2030-01-01"] {
            let at = Date::word(day).unwrap().start();
            let mut rows: Vec<_> = built_in().prefixes.iter().filter(|row| row.is_valid(at)).map(|row| (*row.cidr, row.cloud)).collect();
            let n_rows = rows.len();
            rows.sort();
            rows.dedup();
            assert_eq!(rows.len(), n_rows, "{day}");
        }
    }

    #[test]
    fn rows_come_and_go_with_the_day() {
        assert!(valid("2023-08-01").contains(&"13.107.64.0/18".to_owned()));
        assert!(!valid("2026-06-06").contains(&"13.107.64.0/18".to_owned()));
        assert!(valid("2023-08-01").contains(&"2603:1063::/39".to_owned()));
        assert!(valid("2026-06-06").contains(&"2603:1063::/38".to_owned()));
        assert!(!valid("2022-12-31").contains(&"52.122.0.0/15".to_owned()));
    }

    #[test]
    fn date_starts_at_midnight_utc() {
        assert_eq!(Date::word("2017-07-14").unwrap().start().rfc3339(), "2017-07-14T00:00:00.000000000Z");
        assert_eq!(Date::word("1969-12-31").unwrap().start(), Timestamp(-86_400_000_000_000));
        for wrong in ["2026-6-6", "2026-02-30", "06.06.2026", "2026-06-06T10:00:00", ""] {
            assert!(Date::word(wrong).is_err(), "{wrong}");
        }
    }
}
