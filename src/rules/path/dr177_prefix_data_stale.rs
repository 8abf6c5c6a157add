//! DR177: Microsoft's prefixes are known as of a day that is far from the capture's, or somebody shows that one is missing.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::Seen;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::{Span, Timestamp};
use crate::topology::{Date, Topology};
use crate::trunk::TrunkHistory;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR177-prefix-data-stale",
    title: "Microsoft's prefixes of another time",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "topology",
    confidence: "advice",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR177-prefix-data-stale.md"),
    check: Check::Trunk(check),
};

const DAY: Span = Span::secs(86_400);
/// Days that a list may be older than the capture.
const OLDEST: i64 = 180;
/// Days that it may be newer: it still has the rows of the years before it.
const NEWEST: i64 = 730;
/// 2018-01-01, before Direct Routing existed: a clock that says less was never set.
const CLOCK_IS_SET: Timestamp = Timestamp(1_514_764_800_000_000_000);

fn check(_: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let Some(first) = history.first else { return Outcome::NotApplicable };
    // Who names a list and its day has chosen it.
    if ctx.topology.tables.microsoft.list.is_some() {
        return Outcome::Clean;
    }
    if ctx.clock < CLOCK_IS_SET {
        return Outcome::NotChecked("the capture's clock was not set".to_owned());
    }
    let as_of = ctx.topology.tables.microsoft.as_of.map_or_else(Topology::microsoft_as_of, |own| own.max(Topology::microsoft_as_of()));
    let violations: Vec<Violation> = by_day(as_of, ctx.clock, &first).into_iter().chain(by_stranger(as_of, history)).collect();
    if violations.is_empty() { Outcome::Clean } else { Outcome::Violated(violations) }
}

fn by_day(as_of: Date, clock: Timestamp, first: &Seen) -> Option<Violation> {
    let days = (clock - as_of.start()).0 / DAY.0;
    let (value, than) = match days {
        _ if days > OLDEST => ("older", format!("{days} days before this capture")),
        _ if days < -NEWEST => ("newer", format!("{} days after this capture", -days)),
        _ => return None,
    };
    let message = format!("Microsoft's prefixes are known as of {as_of}, {than}");
    Some(violation(as_of, value, message, first, "the first packet with Microsoft".to_owned()))
}

/// What DR046 tells of one connection tells of the list that a prefix may be missing.
fn by_stranger(as_of: Date, history: &TrunkHistory) -> Option<Violation> {
    let (ip, seen) = history.stranger.as_ref()?;
    let message = format!("Microsoft's prefixes are known as of {as_of}, and {ip}, which calls itself the service, is in none of them");
    Some(violation(as_of, "incomplete", message, seen, format!("{ip} is in no known prefix")))
}

fn violation(as_of: Date, value: &str, message: String, seen: &Seen, excerpt: String) -> Violation {
    let evidence = vec![Evidence::new(seen, excerpt)];
    Violation { severity: Severity::Info, subject: format!("prefixes as of {as_of}"), value: value.to_owned(), message, evidence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Names;
    use crate::decode::{MacPair, TapId, TunnelsId};
    use crate::path::scenario::Profile;
    use crate::record::{RecordId, Seq, SourceId};
    use crate::topology::Word;

    const LIST: &str = r#"[{"id": 11, "serviceArea": "Skype", "ips": ["52.112.0.0/14"], "udpPorts": "3478", "expressRoute": true}]"#;

    fn outcome(topology: &Topology, day: &str) -> Outcome {
        let at = Date::word(day).unwrap().start();
        let seen = Seen {
            id: RecordId { input: 0, number: 1 },
            seq: Seq(0),
            at,
            tap: TapId(0),
            source: SourceId(0),
            tunnels: TunnelsId(0),
            ttl: 64,
            dscp: 0,
            macs: MacPair::default(),
        };
        let history = TrunkHistory { first: Some(seen), ..TrunkHistory::default() };
        let ctx = Ctx {
            topology,
            clock: at,
            names: &Names::default(),
            call: None,
            recognitions: &[],
            hops: &[],
            profile: Profile::Teams,
            scenario: None,
            leg: None,
            courses: &[],
        };
        check("198.51.100.4".parse().unwrap(), &history, &ctx)
    }

    fn is_violated(topology: &Topology, day: &str) -> bool {
        matches!(outcome(topology, day), Outcome::Violated(_))
    }

    #[test]
    fn a_list_that_the_topology_names_is_chosen() {
        let text = "[microsoft]\nas_of = '2023-07-31'\nlist = 'endpoints.json'\n";
        let pinned = Topology::parse_with(text, "t.toml", |_| Ok(LIST.to_owned())).unwrap();
        assert_eq!(outcome(&pinned, "2027-03-01"), Outcome::Clean);
        assert!(is_violated(&Topology::built_in(), "2027-03-01"));
    }

    #[test]
    fn half_a_year_and_two_years_are_the_limits() {
        let days = ["2024-06-05", "2024-06-06", "2026-12-03", "2026-12-04"];
        assert_eq!(days.map(|day| is_violated(&Topology::built_in(), day)), [true, false, false, true]);
    }
}
