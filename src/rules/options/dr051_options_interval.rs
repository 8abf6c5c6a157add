//! DR051: OPTIONS that do not come about once a minute.

use super::times::{self, DEMOTED, HOLED, Times, proof, seconds};
use crate::finding::{Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::{Span, Timestamp};
use crate::trunk::{
    KeepAlive, Mark, TrunkHistory,
    probes::{Probes, Target},
};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR051-options-interval",
    title: "OPTIONS do not come once a minute",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR051-options-interval.md"),
    check: Check::Trunk(check),
};

/// The older health rule: a trunk without OPTIONS for three minutes is not healthy (Microsoft, Monitor and troubleshoot).
const UNHEALTHY: Span = Span::secs(180);
/// Half as long again as the minute that is expected.
const SLOW: Span = Span::secs(90);
/// More often than this is needless.
const FAST: Span = Span::secs(10);
/// With fewer OPTIONS there is no interval to speak of.
const FEW: u64 = 3;

/// OPTIONS of some targets.
type Sent<'a> = Vec<(&'a Target, &'a Probes)>;

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let alive = &history.alive;
    if ctx.topology.sbc(sbc).is_some_and(|known| known.send_sip_options == Some(false)) {
        return Outcome::NotApplicable;
    }
    if alive.probes.is_empty() {
        return times::unread(alive).map_or(Outcome::NotApplicable, |why| Outcome::NotChecked(why.to_owned()));
    }
    let seen = Seen { alive, heard: Times::of(alive.heard.iter()), dark: times::dark(alive) };
    // Each trunk at each address; where several names lead to one, or one name to several, together they may come as often as they should.
    let units: BTreeSet<(&str, IpAddr)> = alive.probes.keys().map(|target| (target.contact.as_str(), target.address)).collect();
    let judged: Vec<Verdict> = units.into_iter().map(|(contact, address)| seen.judge(sbc, contact, address)).collect();
    let broken: Vec<Violation> =
        judged.iter().filter_map(|verdict| if let Verdict::Broken(violation) = verdict { Some(violation.clone()) } else { None }).collect();
    match () {
        () if !broken.is_empty() => Outcome::Violated(broken),
        () if judged.iter().any(|verdict| matches!(verdict, Verdict::Kept)) => Outcome::Clean,
        () if judged.iter().any(|verdict| matches!(verdict, Verdict::Dark)) => Outcome::NotChecked(HOLED.to_owned()),
        () => Outcome::NotChecked("fewer than three OPTIONS to one address are in the capture".to_owned()),
    }
}

enum Verdict {
    Broken(Violation),
    Kept,
    /// Too few OPTIONS.
    Few,
    /// What the gaps hold is missing.
    Dark,
}

struct Seen<'a> {
    alive: &'a KeepAlive,
    heard: Times,
    dark: Times,
}

impl<'a> Seen<'a> {
    fn of(&self, fits: impl Fn(&Target) -> bool) -> Sent<'a> {
        self.alive.probes.iter().filter(|(target, _)| fits(target)).collect()
    }

    fn judge(&self, sbc: IpAddr, contact: &str, address: IpAddr) -> Verdict {
        let here = self.of(|target| target.contact == contact && target.address == address);
        if here.iter().map(|(_, probes)| probes.n).sum::<u64>() < FEW {
            return Verdict::Few;
        }
        let elsewhere = |target: &Target| target.contact == contact && here.iter().any(|(known, _)| known.host == target.host);
        let names = self.of(elsewhere);
        let violation = |severity, value: &str, says: String, marks: &[Mark]| {
            let evidence = marks.iter().map(|mark| proof(mark, format!("OPTIONS to {address}"))).collect();
            let message = format!("{sbc} sends OPTIONS to {address} {says}");
            Verdict::Broken(Violation { severity, subject: sbc.to_string(), value: format!("{address}: {value}"), message, evidence })
        };
        if let Some((before, after)) = self.gap(&here, &names) {
            let says = format!("with a gap of {} s", seconds(after.at - before.at));
            return violation(Severity::Warning, "gap", says, &[before, after]);
        }
        let (own, of_names) = (self.median(&here), self.median(&names));
        let marks: Vec<Mark> = moments(&here).into_iter().take(FEW as usize).collect();
        match (own, of_names) {
            (Some(own), Some(of_names)) if own > SLOW && of_names > SLOW => {
                return violation(Severity::Info, "slow", format!("every {} s only", seconds(own)), &marks);
            }
            (None, _) => return Verdict::Dark,
            _ => {}
        }
        let fast = here.iter().filter(|(_, probes)| probes.n >= FEW).find_map(|(target, probes)| {
            let one = vec![(*target, *probes)];
            self.median(&one).filter(|median| *median < FAST).map(|median| (median, moments(&one)))
        });
        match fast {
            Some((median, marks)) => {
                let says = format!("every {}.{} s", seconds(median), median.0 / 100_000_000 % 10);
                violation(Severity::Info, "fast", says, marks.get(..FEW as usize).unwrap_or_default())
            }
            None => Verdict::Kept,
        }
    }

    /// The longest gap between three minutes and five during which all was seen, and none of the names was asked at another address.
    fn gap(&self, here: &Sent<'_>, names: &Sent<'_>) -> Option<(Mark, Mark)> {
        let mut runs: Vec<_> = here.iter().flat_map(|(_, probes)| probes.runs.iter()).collect();
        runs.sort_by_key(|run| run.first);
        let all = Times::of(names.iter().flat_map(|(_, probes)| probes.runs.iter()));
        let mut found: Option<(Mark, Mark)> = None;
        let mut last: Option<Mark> = None;
        for run in runs {
            if let Some(before) = last {
                let gap = run.first.at - before.at;
                let is_seen = || self.heard.cover(before.at, run.first.at) && !self.dark.touch(before.at, run.first.at);
                let is_alone = || !all.iter().any(|(first, until)| first < run.first.at && before.at < until);
                let is_longer = found.is_none_or(|(from, until)| gap > until.at - from.at);
                if gap > UNHEALTHY && gap <= DEMOTED && is_longer && is_seen() && is_alone() {
                    found = Some((before, run.first));
                }
            }
            last = last.max(Some(run.last));
        }
        found
    }

    /// The median of the gaps that are no gaps of the capture.
    fn median(&self, of: &Sent<'_>) -> Option<Span> {
        let moments = moments(of);
        let pairs = moments.iter().zip(moments.iter().skip(1));
        let counts =
            |from: Timestamp, until: Timestamp| !self.dark.touch(from, until) && (until - from <= DEMOTED || self.heard.cover(from, until));
        let mut gaps: Vec<Span> = pairs.filter(|(one, next)| counts(one.at, next.at)).map(|(one, next)| next.at - one.at).collect();
        gaps.sort_unstable();
        (gaps.len() as u64 + 1 >= FEW).then(|| gaps.get((gaps.len() - 1) / 2).copied()).flatten()
    }
}

/// When they were sent, as far as each is remembered by itself.
fn moments(of: &Sent<'_>) -> Vec<Mark> {
    let until = of.iter().map(|(_, probes)| probes.known_until()).min().unwrap_or(Timestamp(i64::MAX));
    let mut marks: Vec<Mark> =
        of.iter().flat_map(|(_, probes)| &probes.first).map(|probe| probe.sent).filter(|mark| mark.at <= until).collect();
    marks.sort_unstable();
    marks
}
