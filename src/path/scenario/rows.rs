//! The rows of `rules/call-flows.toml`, typed: scenarios, notes, diagrams, and traffic that only the Internet carries.

use crate::topology::{Place, Segment};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::sync::LazyLock;

static BUILT_IN: LazyLock<Matrix> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../rules/call-flows.toml")).expect("the built-in call flows parse, as a test shows")
});

/// The built-in matrix.
pub fn matrix() -> &'static Matrix {
    &BUILT_IN
}

/// The built-in row of this id.
pub fn row(id: &str) -> Option<&'static Row> {
    matrix().rows.iter().find(|row| row.id == id)
}

/// Everything the file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    #[serde(rename = "schema")]
    _schema: u32,
    /// What holds for every row.
    pub assumptions: Vec<String>,
    /// The scenarios.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
    /// What bears on several of them.
    #[serde(rename = "note")]
    pub notes: Vec<Note>,
    /// Worked examples.
    #[serde(rename = "diagram")]
    pub diagrams: Vec<Diagram>,
    /// Traffic that ExpressRoute never carries.
    pub internet_only: Vec<InternetOnly>,
}

/// One scenario and the segments that its legs are expected on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its id: `ON1`, `TD8`.
    pub id: String,
    /// What is deployed.
    pub deployment: Deployment,
    /// What kind of call it is.
    pub scenario: Kind,
    /// Its title.
    pub title: String,
    /// Who takes part.
    pub endpoints: Vec<Endpoint>,
    /// Legs of signalling.
    pub signalling: Vec<RowLeg>,
    /// Legs of media.
    pub media: Vec<RowLeg>,
    /// Segments on which a leg is as good or better.
    #[serde(default)]
    pub alt: Vec<Deviation>,
    /// Segments on which a leg must not be.
    #[serde(default)]
    pub forbidden: Vec<Deviation>,
    /// What the row takes for granted, in words.
    pub conditions: Vec<String>,
    /// What passes media on.
    pub relay: Passed,
    /// The diagrams that draw it; Teams rows have none.
    pub example: Option<String>,
    /// Where it comes from.
    pub source: String,
}

impl Row {
    /// The notes that bear on it.
    pub fn notes(&self) -> impl Iterator<Item = &'static Note> {
        matrix().notes.iter().filter(|note| note.bears_on(&self.id))
    }

    /// The party of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }
}

/// What is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deployment {
    /// Skype for Business Online.
    Online,
    /// Skype for Business, online and on-premises.
    Hybrid,
    /// Skype for Business Cloud Connector Edition.
    CloudConnector,
    /// Microsoft Teams with Direct Routing.
    TeamsDirectRouting,
}

/// What kind of call a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Between two users of the organisation.
    P2p,
    /// With a user of a federated organisation.
    P2pFederated,
    /// A conference of the organisation's own.
    Conference,
    /// A conference on another company's server.
    ConferenceForeignOnprem,
    /// To or from the telephone network.
    Pstn,
    /// The same by Direct Routing through a media processor.
    PstnNonbypass,
    /// The same with media bypass.
    PstnBypass,
    /// From the telephone network and back to it.
    PstnHairpin,
    /// The same across two tenants.
    PstnHairpinCrossTenant,
    /// With a voice application or a group.
    VoiceAppOrGroup,
}

/// What passes media on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passed {
    /// Nothing.
    None,
    /// An edge server of the cloud.
    OnlineEdge,
    /// An edge server of another company.
    ForeignEdge,
    /// Perhaps an edge server of the cloud.
    Optional,
    /// An edge server of the cloud, or one's own.
    OnlineEdgeOrOnpremEdge,
    /// The edge role of Cloud Connector.
    CceEdge,
    /// A media processor.
    MediaProcessor,
    /// A transport relay.
    TransportRelay,
}

/// A party of a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Its name, of which legs are composed.
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "place")]
    pub at: Place,
    /// Where the user's account is.
    pub homed: Option<Homed>,
}

/// Where a user's account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Homed {
    /// In the organisation's own part of the cloud.
    Online,
    /// On the organisation's own servers.
    Onprem,
    /// In a federated organisation's part of the cloud.
    OnlineFederated,
}

/// Matrix names of places that topology files call otherwise.
fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Place, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "your_network" => Ok(Place::YourNetwork),
        "internet" => Ok(Place::Internet),
        "microsoft" => Ok(Place::Microsoft),
        "federated_network" => Ok(Place::Federated),
        "third_party_datacentre" => Ok(Place::ThirdParty),
        "other_tenant_network" => Ok(Place::OtherTenant),
        _ => Err(D::Error::custom(format!("'{text}' is not a place of the matrix"))),
    }
}

/// One leg of a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowLeg {
    /// Its two parties: `A-home`, `SBC-mp`.
    pub leg: String,
    /// The segments that match.
    pub allowed: Vec<Segment>,
    /// Numbers of the flows in the Teams article.
    pub tcf: Option<String>,
    /// It exists only under this condition.
    pub when: Option<String>,
    /// No table prints it.
    #[serde(default)]
    pub inferred: bool,
}

/// A segment on which a leg is fine, or forbidden.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The leg.
    pub leg: String,
    /// The segment.
    pub segment: Segment,
    /// Under what condition.
    pub when: Option<String>,
}

/// What bears on several rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Its id: `N1`.
    pub id: String,
    /// Ids of rows; `*` for any ending.
    pub applies: Vec<String>,
    /// What it says.
    pub text: String,
    /// Where it comes from.
    pub source: String,
}

impl Note {
    /// Whether it bears on the row of this id.
    pub fn bears_on(&self, id: &str) -> bool {
        self.applies.iter().any(|applies| match applies.strip_suffix('*') {
            Some(start) => id.starts_with(start),
            None => applies == id,
        })
    }
}

/// A worked example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagram {
    /// Its id: `D1`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Legs of signalling.
    pub signalling: Vec<DiagramLeg>,
    /// Legs of media.
    pub media: Vec<DiagramLeg>,
    /// What is said beside it.
    #[serde(default)]
    pub remarks: Vec<String>,
}

/// One leg of a diagram, by the names of its own parties.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagramLeg {
    /// Its two parties.
    pub leg: String,
    /// The segment that it is drawn on.
    pub segment: Segment,
}

/// A class of traffic that ExpressRoute never carries.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InternetOnly {
    /// The class.
    pub class: InternetClass,
    /// What it is, in words.
    #[serde(rename = "match")]
    pub matches: String,
    /// Hosts that it is known by; `*.` before a domain stands for one label and more.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Hosts that look like them and are not of the class.
    #[serde(default)]
    pub except: Vec<String>,
    /// Ports that it is known by.
    #[serde(default)]
    pub ports: Vec<u16>,
}

/// The classes of traffic that ExpressRoute never carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InternetClass {
    /// Certificate revocation.
    CrlOcsp,
    /// Name resolution.
    Dns,
    /// The admin centre and other shared services.
    PortalShared,
    /// Telemetry.
    Telemetry,
    /// Consumer Skype.
    SkypeConsumer,
    /// The stream of a meeting broadcast.
    Broadcast,
    /// Rows of the endpoint list with `expressRoute` false.
    ErFlagFalse,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n_rows(deployment: Deployment) -> usize {
        matrix().rows.iter().filter(|row| row.deployment == deployment).count()
    }

    #[test]
    fn matrix_parses_and_holds_every_family() {
        use Deployment::{CloudConnector, Hybrid, Online, TeamsDirectRouting};
        assert_eq!(matrix().rows.len(), 23);
        assert_eq!([Online, Hybrid, CloudConnector, TeamsDirectRouting].map(n_rows), [8, 5, 2, 8]);
        assert_eq!((matrix().notes.len(), matrix().diagrams.len(), matrix().internet_only.len()), (7, 6, 7));
        assert_eq!(matrix().assumptions.len(), 3);
    }

    #[test]
    fn ids_are_those_of_the_families_each_once() {
        let ids: Vec<&str> = matrix().rows.iter().map(|row| row.id.as_str()).collect();
        let family = |prefix: &str, n: usize| (1..=n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
        assert_eq!(ids, [family("ON", 8), family("HY", 5), family("CC", 2), family("TD", 8)].concat());
        assert_eq!(matrix().notes.iter().map(|note| note.id.as_str()).collect::<Vec<_>>(), family("N", 7));
        assert_eq!(matrix().diagrams.iter().map(|diagram| diagram.id.as_str()).collect::<Vec<_>>(), family("D", 6));
    }

    #[test]
    fn segments_are_those_that_a_capture_can_show() {
        let rows = matrix().rows.iter().flat_map(|row| {
            let legs = row.signalling.iter().chain(&row.media).flat_map(|leg| leg.allowed.iter().copied());
            legs.chain(row.alt.iter().chain(&row.forbidden).map(|deviation| deviation.segment)).collect::<Vec<_>>()
        });
        let diagrams = matrix().diagrams.iter().flat_map(|d| d.signalling.iter().chain(&d.media)).map(|leg| leg.segment);
        let shown = [Segment::Local, Segment::Internet, Segment::Expressroute];
        assert!(rows.chain(diagrams).all(|segment| shown.contains(&segment)));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = include_str!("../../../rules/call-flows.toml").replacen("id = \"ON1\"", "id = \"ON1\"\nidd = \"x\"", 1);
        assert!(toml::from_str::<Matrix>(&text).unwrap_err().to_string().contains("idd"));
    }

    #[test]
    fn notes_bear_on_the_rows_they_name() {
        let notes = |id: &str| row(id).unwrap().notes().map(|note| note.id.as_str()).collect::<Vec<_>>();
        assert_eq!(notes("ON4"), ["N1", "N2", "N3", "N5", "N6"]);
        assert_eq!(notes("HY1"), ["N2", "N3", "N5", "N6"]);
        assert_eq!(notes("CC1"), ["N2", "N3", "N4", "N5", "N6"]);
        assert_eq!(notes("TD3"), ["N2", "N3", "N5", "N6", "N7"]);
    }
}
