//! The judge of one ended call: recognises its legs, judges its hops, runs the rules, and renders its entries.

use super::{contact, entries, ladder, survey, unread};
use crate::call::{Call, Leg, LegMessage, Names, Recognition, recognise};
use crate::finding::{Finding, Outcome, Violation};
use crate::flow::{Connection, Content};
use crate::hash;
use crate::path::{
    self, Hop, Memo, Network, Routes, Traffic,
    scenario::{self, Profile},
};
use crate::report::{CallReport, CheckEntry, Format, Rendered, spool::Part};
use crate::rules::{Check, Ctx, Rule};
use crate::time::Timestamp;
use crate::topology::Topology;
use crate::trunk::Trunks;
use std::collections::{BTreeMap, BTreeSet};

/// Judges calls.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// What segments are judged from.
    pub network: Network<'a>,
    /// Rules to run.
    pub rules: &'a [&'static Rule],
    /// Renders the entries.
    pub format: &'a dyn Format,
    /// How far the capture has come.
    pub clock: Timestamp,
    /// What the clients of the organisation are.
    pub profile: Profile,
    /// What name servers said so far.
    pub names: &'a Names,
}

/// A rule's outcomes on the subjects of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Subjects that violate it.
    pub violated: u64,
    /// Subjects that do not.
    pub clean: u64,
    /// Subjects that could not be judged, by reason.
    pub not_checked: BTreeMap<String, u64>,
}

/// What is left of calls that were judged one after the other.
#[derive(Default)]
pub struct Judged {
    /// Their rendered entries.
    pub rendered: Rendered,
    /// Findings of each call that has some.
    pub findings: Vec<Vec<Finding>>,
    /// Outcomes by rule id.
    pub checks: BTreeMap<&'static str, CheckEntry>,
    /// Entries of `calls[]`.
    pub calls: u64,
    /// Legs in them.
    pub legs: u64,
    /// Entries of `streams[]`.
    pub streams: u64,
    /// Those that continue no other.
    pub media_streams: u64,
    /// TLS connections with Microsoft that nobody could read, by reason.
    pub unread: BTreeMap<String, u64>,
    /// What they show of the SBCs.
    pub trunks: Trunks,
    /// What went over each segment.
    pub traffic: Traffic,
    /// What all flows together show of the ways to Microsoft.
    pub routes: Routes,
}

/// Reasons kept of one rule's *not checked*; further ones are in the count.
const MOST_REASONS: usize = 10;

/// Takes in a reason why a rule was not checked, if it is a new one.
pub fn note_reason(check: &mut CheckEntry, reason: String) {
    if check.reasons.len() < MOST_REASONS && !check.reasons.contains(&reason) {
        check.reasons.push(reason);
    }
}

impl Judged {
    /// Gives back room that is not used.
    pub fn shrink(&mut self) {
        self.rendered.0.iter_mut().for_each(Part::shrink);
    }

    fn add(&mut self, report: Option<&CallReport<'_>>, tallies: BTreeMap<&'static str, Tally>, format: &dyn Format) {
        report.iter().for_each(|report| format.render(report, &mut self.rendered));
        for (rule, tally) in tallies {
            let check = self.checks.entry(rule).or_default();
            check.violated += tally.violated;
            check.clean += tally.clean;
            for (reason, n) in tally.not_checked {
                check.not_checked += n;
                note_reason(check, reason);
            }
        }
    }

    fn count(&mut self, call: &Call) {
        self.calls += 1;
        // Media without signalling is one leg.
        self.legs += call.legs.len().max(usize::from(!call.streams.is_empty())) as u64;
        self.streams += call.streams.len() as u64;
        self.media_streams += call.streams.iter().filter(|bound| bound.continues.is_none()).count() as u64;
    }

    fn add_findings(&mut self, findings: Vec<Finding>) {
        if !findings.is_empty() {
            self.findings.push(findings);
        }
    }
}

/// Findings and outcomes, as they are gathered.
#[derive(Default)]
struct Gathered {
    findings: Vec<Finding>,
    tallies: BTreeMap<&'static str, Tally>,
}

impl Judge<'_> {
    /// Judges a call; what comes of it is added to `judged`.
    pub fn call(&self, call: &Call, memo: &mut Memo, judged: &mut Judged) {
        let hops = path::hops(call, &self.network, memo);
        judged.traffic.add(call, &hops);
        judged.routes.media(call, &self.network, memo);
        let recognitions: Vec<Recognition> = call.legs.iter().map(|leg| recognise::recognise(leg, self.network.topology)).collect();
        let mut gathered = Gathered::default();
        let scenario = scenario::of_call(call, &recognitions, &hops, self.network.topology, self.profile);
        let ctx = Ctx { call: Some(call), recognitions: &recognitions, hops: &hops, scenario: scenario.as_ref(), ..self.ctx() };
        for (leg, recognition) in call.legs.iter().zip(&recognitions) {
            let ctx = Ctx { leg: Some((leg, recognition)), ..ctx };
            if recognition.is_direct_routing() {
                self.messages(leg, &ctx, &mut gathered);
                contact::note(leg, recognition, self.network.topology, &mut judged.trunks);
            }
            self.leg(leg, &ctx, &mut gathered);
        }
        self.whole(call, &ctx, &mut gathered);
        self.hops(&hops, &ctx, &mut gathered);
        let shows = self.format.shows(call.first.seq, &gathered.findings);
        let mut report = match shows {
            true => entries::report(call, (&recognitions, &hops, scenario.as_ref()), &gathered.findings, &self.network),
            false => entries::outline(call, &hops, &gathered.findings),
        };
        judged.count(call);
        if self.format.surveys() {
            report.survey = Some(survey::call(call, &recognitions, self.network.topology));
        }
        if shows && self.format.ladders() {
            report.ladder = ladder::rows(call, &gathered.findings);
        }
        judged.add(Some(&report), gathered.tallies, self.format);
        judged.add_findings(gathered.findings);
    }

    /// Judges a connection. One that nobody could read is a signalling hop all the same; of clear SIP its calls have the hop.
    pub fn connection(&self, connection: &Connection, memo: &mut Memo, judged: &mut Judged) {
        let mut gathered = Gathered::default();
        let ctx = self.ctx();
        self.transport(connection, &ctx, &mut gathered);
        judged.trunks.connection(connection, ctx.topology, self.clock);
        judged.routes.connection(connection, &self.network, memo);
        let hop = (connection.content != Content::Sip).then(|| path::unread(connection, &self.network, memo));
        if let Some(reason) = unread::reason(connection).filter(|_| is_encrypted_signalling(connection, ctx.topology)) {
            for rule in self.rules.iter().filter(|rule| rule.reads_sip()) {
                gathered.tally(rule, &Outcome::NotChecked(reason.clone()));
            }
            *judged.unread.entry(reason).or_default() += 1;
        }
        self.hops(hop.as_slice(), &ctx, &mut gathered);
        let report = CallReport {
            first: connection.first.seq,
            hops: hop.iter().map(|hop| (hop.first.seq, entries::hop(hop, None, std::iter::once(connection)))).collect(),
            findings: gathered.findings.as_slice().into(),
            survey: self.format.surveys().then(|| survey::connection(connection, ctx.topology)),
            ..CallReport::default()
        };
        let says = hop.is_some() || !gathered.findings.is_empty() || report.survey.is_some();
        judged.add(says.then_some(&report), gathered.tallies, self.format);
        judged.add_findings(gathered.findings);
    }

    /// Judges a connection that is no signalling, by the host that it is for. It is no hop of the report.
    pub fn service(&self, connection: &Connection, memo: &mut Memo, judged: &mut Judged) {
        let mut gathered = Gathered::default();
        let hop = path::unread(connection, &self.network, memo);
        let ctx = Ctx { hops: std::slice::from_ref(&hop), ..self.ctx() };
        for rule in self.rules {
            if let Check::Service(check) = rule.check {
                let outcome = check(connection, &ctx);
                gathered.tally(rule, &outcome);
                gathered.violations(rule, outcome, None, || connection_filter(connection));
            }
        }
        let report = CallReport { first: connection.first.seq, findings: gathered.findings.as_slice().into(), ..CallReport::default() };
        judged.add(Some(&report).filter(|report| !report.findings.is_empty()), gathered.tallies, self.format);
        judged.add_findings(gathered.findings);
    }

    /// Judges what a whole run showed of the SBCs and of the ways to Microsoft.
    pub fn run(&self, trunks: &Trunks, routes: &Routes) -> Judged {
        let mut gathered = Gathered::default();
        let ctx = self.ctx();
        for (sbc, history) in trunks.iter() {
            for rule in self.rules {
                if let Check::Trunk(check) = rule.check {
                    let outcome = check(sbc, history, &ctx);
                    gathered.tally(rule, &outcome);
                    gathered.violations(rule, outcome, None, || format!("{}.addr == {sbc}", if sbc.is_ipv6() { "ipv6" } else { "ip" }));
                }
            }
        }
        for rule in self.rules {
            if let Check::Path(_, check) = rule.check {
                let outcome = check(routes, &ctx);
                gathered.tally(rule, &outcome);
                gathered.violations(rule, outcome, None, String::new);
            }
        }
        let mut judged = Judged::default();
        let first = gathered.findings.iter().flat_map(|finding| &finding.violation.evidence).map(|evidence| evidence.seq).min();
        let report =
            CallReport { first: first.unwrap_or_default(), findings: gathered.findings.as_slice().into(), ..CallReport::default() };
        judged.add(Some(&report).filter(|report| !report.findings.is_empty()), gathered.tallies, self.format);
        judged.add_findings(gathered.findings);
        judged
    }

    fn ctx(&self) -> Ctx<'_> {
        Ctx {
            topology: self.network.topology,
            clock: self.clock,
            names: self.names,
            call: None,
            recognitions: &[],
            hops: &[],
            profile: self.profile,
            scenario: None,
            leg: None,
        }
    }

    fn transport(&self, connection: &Connection, ctx: &Ctx<'_>, gathered: &mut Gathered) {
        for rule in self.rules {
            if let Check::Connection(check) = rule.check {
                let outcome = check(connection, ctx);
                gathered.tally(rule, &outcome);
                gathered.violations(rule, outcome, None, || connection_filter(connection));
            }
        }
    }

    fn messages(&self, leg: &Leg, ctx: &Ctx<'_>, gathered: &mut Gathered) {
        for message in leg.messages.iter().filter(|message| !message.retransmission) {
            let mut outcomes: Vec<(&'static Rule, Outcome)> = Vec::new();
            for rule in self.rules {
                if let Check::Message(check) = rule.check {
                    outcomes.push((rule, lowered(rule, message, ctx, check(message, ctx))));
                }
            }
            let hidden: BTreeSet<&str> =
                outcomes.iter().filter(|(_, o)| matches!(o, Outcome::Violated(_))).flat_map(|(rule, _)| rule.hides).copied().collect();
            for (rule, outcome) in outcomes {
                let is_hidden = || hidden.contains(rule.id.split('-').next().unwrap_or(rule.id));
                if hidden.is_empty() || !is_hidden() {
                    gathered.tally(rule, &outcome);
                    gathered.violations(rule, outcome, ctx.call, || call_filter(leg));
                }
            }
        }
    }

    fn leg(&self, leg: &Leg, ctx: &Ctx<'_>, gathered: &mut Gathered) {
        for rule in self.rules {
            if let Check::Leg(check) = rule.check {
                let outcome = check(leg, ctx);
                gathered.tally(rule, &outcome);
                gathered.violations(rule, outcome, ctx.call, || call_filter(leg));
            }
        }
    }

    fn whole(&self, call: &Call, ctx: &Ctx<'_>, gathered: &mut Gathered) {
        for rule in self.rules {
            if let Check::Call(check) = rule.check {
                let outcome = check(call, ctx);
                gathered.tally(rule, &outcome);
                gathered.violations(rule, outcome, Some(call), || whole_filter(call));
            }
        }
    }

    fn hops(&self, hops: &[Hop], ctx: &Ctx<'_>, gathered: &mut Gathered) {
        for hop in hops {
            for rule in self.rules {
                if let Check::Hop(check) | Check::Path(check, _) = rule.check {
                    let outcome = check(hop, ctx);
                    gathered.tally(rule, &outcome);
                    gathered.violations(rule, outcome, ctx.call, || format!("ip.addr == {} && ip.addr == {}", hop.a.ip, hop.b.ip));
                }
            }
        }
    }
}

/// It carries TLS that nobody could read, between Microsoft and somebody.
fn is_encrypted_signalling(connection: &Connection, topology: &Topology) -> bool {
    let ((from, to), at) = (connection.id.flow.endpoints(), connection.first.at);
    connection.content == Content::Tls && [from, to].iter().any(|end| topology.is_microsoft_signalling(end.ip(), at))
}

/// One level lower when the service took that very message (catalogue section 4).
fn lowered(rule: &Rule, message: &LegMessage, ctx: &Ctx<'_>, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Violated(violations) if rule.lower_when_accepted && ctx.is_accepted(message) => {
            let lower = |v: Violation| Violation { severity: v.severity.lower(), ..v };
            Outcome::Violated(violations.into_iter().map(lower).collect())
        }
        other => other,
    }
}

fn call_filter(leg: &Leg) -> String {
    let call_id = leg.call_id().map(|c| String::from_utf8_lossy(c).replace('\\', "\\\\").replace('"', "\\\""));
    let ends = || leg.ends().map(|(a, b)| format!("ip.addr == {} && ip.addr == {}", a.ip(), b.ip())).unwrap_or_default();
    call_id.map_or_else(ends, |id| format!("sip.Call-ID == \"{id}\""))
}

/// Of a call without signalling, its first stream.
fn whole_filter(call: &Call) -> String {
    let media = || call.streams.first().map(|bound| format!("rtp.ssrc == 0x{:08x}", bound.stream.ssrc.0));
    call.legs.first().map(call_filter).or_else(media).unwrap_or_default()
}

fn connection_filter(connection: &Connection) -> String {
    let (a, b) = connection.id.flow.endpoints();
    let ip = if a.is_ipv6() { "ipv6" } else { "ip" };
    format!("{ip}.addr == {} && {ip}.addr == {} && tcp.port == {} && tcp.port == {}", a.ip(), b.ip(), a.port(), b.port())
}

impl Gathered {
    fn tally(&mut self, rule: &'static Rule, outcome: &Outcome) {
        let tally = match outcome {
            Outcome::NotApplicable => return,
            _ => self.tallies.entry(rule.id).or_default(),
        };
        match outcome {
            Outcome::Violated(_) => tally.violated += 1,
            Outcome::Clean => tally.clean += 1,
            Outcome::NotChecked(why) => *tally.not_checked.entry(why.clone()).or_default() += 1,
            Outcome::NotApplicable => {}
        }
    }

    fn violations(&mut self, rule: &'static Rule, outcome: Outcome, call: Option<&Call>, filter: impl Fn() -> String) {
        let Outcome::Violated(violations) = outcome else { return };
        for violation in violations {
            let digits = hash::hex(&[violation.subject.as_bytes(), violation.value.as_bytes()], 8);
            self.findings.push(Finding {
                id: format!("{}-{digits}", rule.id),
                rule: rule.id.to_owned(),
                violation,
                call: call.map(|c| c.id.clone()),
                filter: filter(),
            });
        }
    }
}
