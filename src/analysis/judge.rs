//! The judge of one ended call: recognises its legs, judges its hops, runs the rules, and renders its entries.

use super::gathered::{Gathered, Tally, finding};
use super::hidden::{Hidden, Said};
use super::{contact, entries, keepalive, ladder, placed, survey, unread};
use crate::call::{Call, Leg, LegMessage, Names, Recognition, recognise};
use crate::config::{Config, EXPIRED, Waived};
use crate::finding::{Finding, Outcome, Violation};
use crate::flow::{Connection, Content};
use crate::path::{
    self, Hop, Memo, Network, Routes, Traffic,
    scenario::{self, Profile},
};
use crate::proto::sip::NameAddr;
use crate::report::{CallReport, CheckEntry, Format, Rendered, spool::Part};
use crate::rules::{Check, Ctx, Rule};
use crate::time::Timestamp;
use crate::topology::Topology;
use crate::trunk::Trunks;
use std::collections::BTreeMap;

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
    /// What the site has decided.
    pub config: &'a Config,
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
    /// Findings that waivers cover.
    pub waived: Waived,
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

    fn add_findings(&mut self, findings: Vec<Finding>, waived: &Waived) {
        if !findings.is_empty() {
            self.findings.push(findings);
        }
        self.waived.add(waived);
    }
}

impl Judge<'_> {
    /// Judges a call; what comes of it is added to `judged`.
    pub fn call(&self, call: &Call, memo: &mut Memo, judged: &mut Judged) {
        let hops = path::hops(call, &self.network, memo);
        judged.traffic.add(call, &hops);
        judged.routes.media(call, &self.network, memo);
        let recognitions: Vec<Recognition> = call.legs.iter().map(|leg| recognise::recognise(leg, self.network.topology)).collect();
        let mut gathered = Gathered { numbers: self.numbers(call), ..self.gathered() };
        let scenario = scenario::of_call(call, &recognitions, &hops, self.network.topology, self.profile);
        let ctx = Ctx { call: Some(call), recognitions: &recognitions, hops: &hops, scenario: scenario.as_ref(), ..self.ctx() };
        let broken = self.broken(call, &ctx);
        for (leg, recognition) in call.legs.iter().zip(&recognitions) {
            let ctx = Ctx { leg: Some((leg, recognition)), ..ctx };
            let mut of_leg = self.leg(leg, &ctx);
            let mut hidden = Hidden::by(&of_leg);
            hidden.also(&broken);
            if recognition.is_direct_routing() {
                hidden.also(&self.messages(leg, &ctx, &hidden, &mut gathered));
                contact::note(leg, recognition, self.network.topology, &mut judged.trunks);
                keepalive::note(leg, call, recognition, self.network.topology, &mut judged.trunks);
            }
            hidden.part(&mut of_leg);
            gathered.take(of_leg, ctx.call, || call_filter(leg));
        }
        placed::note(call, &ctx, &mut judged.trunks);
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
        judged.add_findings(gathered.findings, &gathered.waived);
    }

    /// Judges a connection. One that nobody could read is a signalling hop all the same; of clear SIP its calls have the hop.
    pub fn connection(&self, connection: &Connection, memo: &mut Memo, judged: &mut Judged) {
        let mut gathered = self.gathered();
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
        judged.add_findings(gathered.findings, &gathered.waived);
    }

    /// Judges a connection that is no signalling, by the host that it is for. It is no hop of the report.
    pub fn service(&self, connection: &Connection, memo: &mut Memo, judged: &mut Judged) {
        let mut gathered = self.gathered();
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
        judged.add_findings(gathered.findings, &gathered.waived);
    }

    /// Judges what a whole run showed of the SBCs and of the ways to Microsoft.
    pub fn run(&self, trunks: &Trunks, routes: &Routes) -> Judged {
        let mut gathered = self.gathered();
        let ctx = self.ctx();
        for (sbc, history) in trunks.iter() {
            let of = |rule: &&'static Rule| match rule.check {
                Check::Trunk(check) => Some((*rule, check(sbc, history, &ctx))),
                _ => None,
            };
            let mut said: Vec<Said> = self.rules.iter().filter_map(of).collect();
            Hidden::by(&said).part(&mut said);
            gathered.take(said, None, || format!("{}.addr == {sbc}", if sbc.is_ipv6() { "ipv6" } else { "ip" }));
        }
        for rule in self.rules {
            if let Check::Path(_, check) = rule.check {
                let outcome = check(routes, &ctx);
                gathered.tally(rule, &outcome);
                gathered.violations(rule, outcome, None, String::new);
            }
        }
        let expired = self.config.waivers.iter().filter(|waiver| waiver.is_over(self.clock));
        gathered.findings.extend(expired.map(|waiver| finding(EXPIRED, waiver.expired(), None, String::new())));
        let mut judged = Judged::default();
        let first = gathered.findings.iter().flat_map(|finding| &finding.violation.evidence).map(|evidence| evidence.seq).min();
        let report =
            CallReport { first: first.unwrap_or_default(), findings: gathered.findings.as_slice().into(), ..CallReport::default() };
        judged.add(Some(&report).filter(|report| !report.findings.is_empty()), gathered.tallies, self.format);
        judged.add_findings(gathered.findings, &gathered.waived);
        judged
    }

    fn gathered(&self) -> Gathered<'_> {
        Gathered {
            findings: Vec::new(),
            tallies: BTreeMap::new(),
            config: self.config,
            topology: self.network.topology,
            numbers: Vec::new(),
            waived: Waived::default(),
        }
    }

    /// Users of From and To of the legs, if a waiver may ask for them.
    fn numbers(&self, call: &Call) -> Vec<String> {
        if self.config.waivers.is_empty() {
            return Vec::new();
        }
        let parties = call.legs.iter().flat_map(|leg| [leg.from(), leg.to()]).flatten();
        let user = |text: &[u8]| NameAddr::parse(&String::from_utf8_lossy(text)).uri().user_decoded().map(|user| user.into_owned());
        parties.filter_map(|text| user(&text)).collect()
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
        let mut said = self.of_connection(connection, ctx, |_| true);
        Hidden::by(&said).part(&mut said);
        gathered.take(said, None, || connection_filter(connection));
    }

    fn of_connection(&self, connection: &Connection, ctx: &Ctx<'_>, wanted: impl Fn(&Rule) -> bool) -> Vec<Said> {
        let of = |rule: &&'static Rule| match rule.check {
            Check::Connection(check) if wanted(rule) => Some((*rule, check(connection, ctx))),
            _ => None,
        };
        self.rules.iter().filter_map(of).collect()
    }

    /// What broken connections of a call hide in its legs. Their findings are told with the connections.
    fn broken(&self, call: &Call, ctx: &Ctx<'_>) -> Hidden {
        let mut hidden = Hidden::default();
        for connection in &call.connections {
            hidden.also(&Hidden::by(&self.of_connection(connection, ctx, |rule| !rule.hides.is_empty())));
        }
        hidden
    }

    /// Judges the messages of a leg. Gives what their findings hide.
    fn messages(&self, leg: &Leg, ctx: &Ctx<'_>, by_leg: &Hidden, gathered: &mut Gathered) -> Hidden {
        let mut all = Hidden::default();
        for message in leg.messages.iter().filter(|message| !message.retransmission) {
            let of = |rule: &&'static Rule| match rule.check {
                Check::Message(check) => Some((*rule, lowered(rule, message, ctx, check(message, ctx)))),
                _ => None,
            };
            let mut said: Vec<Said> = self.rules.iter().filter_map(of).collect();
            let mut hidden = Hidden::by(&said);
            all.also(&hidden);
            hidden.also(by_leg);
            hidden.part(&mut said);
            gathered.take(said, ctx.call, || call_filter(leg));
        }
        all
    }

    fn leg(&self, leg: &Leg, ctx: &Ctx<'_>) -> Vec<Said> {
        let of = |rule: &&'static Rule| match rule.check {
            Check::Leg(check) => Some((*rule, check(leg, ctx))),
            _ => None,
        };
        self.rules.iter().filter_map(of).collect()
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
