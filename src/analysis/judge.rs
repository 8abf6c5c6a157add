//! The judge of one ended call: recognises its legs, judges its hops, runs the rules, and renders its entries.

use super::gathered::{Gathered, finding};
use super::hidden::{Hidden, Outcomes};
use super::tally::Tallies;
use super::{contact, entries, keepalive, ladder, placed, survey, unread};
use crate::call::{Call, Leg, LegMessage, Names, Recognition, recognise};
use crate::config::{Config, EXPIRED, Waived};
use crate::finding::{Finding, Outcome, Violation};
use crate::flow::{Connection, Content};
use crate::path::{
    self, Hop, Memo, Network, Routes, Traffic,
    scenario::{self, Profile},
};
use crate::proto::sip::{NameAddr, lossy};
use crate::record::Seq;
use crate::report::{CallReport, Format, Rendered, spool::Part};
use crate::rules::{self, Book, Ctx, Rule};
use crate::time::Timestamp;
use crate::topology::Topology;
use crate::trunk::Trunks;
use std::collections::BTreeMap;

/// Judges calls.
pub struct Judge<'a> {
    /// What segments are judged from.
    pub network: Network<'a>,
    /// Rules to run.
    pub book: Book,
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
    /// Outcomes by rule.
    pub tallies: Tallies,
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

impl Judged {
    /// Gives back room that is not used.
    pub fn shrink(&mut self) {
        self.rendered.0.iter_mut().for_each(Part::shrink);
    }

    fn add(&mut self, report: Option<&CallReport<'_>>, format: &dyn Format) {
        report.iter().for_each(|report| format.render(report, &mut self.rendered));
        self.tallies.settle();
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
        let mut gathered = Gathered { numbers: self.numbers(call), ..self.gathered(&mut judged.tallies) };
        let scenario = scenario::of_call(call, &recognitions, &hops, self.network.topology, self.profile);
        let ctx = Ctx { call: Some(call), recognitions: &recognitions, hops: &hops, scenario: scenario.as_ref(), ..self.ctx() };
        let broken = self.broken(call, &ctx);
        for (leg, recognition) in call.legs.iter().zip(&recognitions) {
            let courses = rules::courses(leg, recognition);
            let ctx = Ctx { courses: &courses, ..ctx.of_leg(leg, recognition) };
            let mut of_leg = self.leg(leg, &ctx);
            let mut hidden = Hidden::by(&of_leg, &self.book);
            hidden.also(&broken);
            if recognition.is_direct_routing() {
                hidden.also(&self.messages(leg, &ctx, &hidden, &mut gathered));
                contact::note(leg, recognition, self.network.topology, &mut judged.trunks);
                keepalive::note(leg, call, recognition, self.network.topology, &mut judged.trunks);
            }
            hidden.part(&mut of_leg);
            gathered.take(&mut of_leg, ctx.call, || call_filter(leg));
        }
        placed::note(call, &ctx, &mut judged.trunks);
        self.whole(call, &ctx, &mut gathered);
        self.hops(&hops, &ctx, &mut gathered);
        let Gathered { findings, waived, .. } = gathered;
        let shows = self.format.shows(call.first.seq, &findings);
        let mut report = match shows {
            true => entries::report(call, (&recognitions, &hops, scenario.as_ref()), &findings, &self.network),
            false => entries::outline(call, &hops, &findings),
        };
        judged.count(call);
        if self.format.surveys() {
            report.survey = Some(survey::call(call, &recognitions, self.network.topology));
        }
        if shows && self.format.ladders() {
            report.ladder = ladder::rows(call, &findings);
        }
        judged.add(Some(&report), self.format);
        judged.add_findings(findings, &waived);
    }

    /// Judges a connection. One that nobody could read is a signalling hop all the same; of clear SIP its calls have the hop.
    pub fn connection(&self, connection: &Connection, memo: &mut Memo, judged: &mut Judged) {
        let mut gathered = self.gathered(&mut judged.tallies);
        let ctx = self.ctx();
        self.transport(connection, &ctx, &mut gathered);
        judged.trunks.connection(connection, ctx.topology, self.clock);
        judged.routes.connection(connection, &self.network, memo);
        let hop = (connection.content != Content::Sip).then(|| path::unread(connection, &self.network, memo));
        if let Some(reason) = unread::reason(connection).filter(|_| is_encrypted_signalling(connection, ctx.topology)) {
            for (idx, rule) in (0..).zip(&self.book.rules).filter(|(_, rule)| rule.reads_sip()) {
                gathered.tallies.not_checked(idx, rule, &reason);
            }
            *judged.unread.entry(reason).or_default() += 1;
        }
        self.hops(hop.as_slice(), &ctx, &mut gathered);
        let Gathered { findings, waived, .. } = gathered;
        let report = CallReport {
            first: connection.first.seq,
            hops: hop.iter().map(|hop| (hop.first.seq, entries::hop(hop, None, std::iter::once(connection)))).collect(),
            findings: findings.as_slice().into(),
            survey: self.format.surveys().then(|| survey::connection(connection, ctx.topology)),
            ..CallReport::default()
        };
        let says = hop.is_some() || !findings.is_empty() || report.survey.is_some();
        judged.add(says.then_some(&report), self.format);
        judged.add_findings(findings, &waived);
    }

    /// Judges a connection that is no signalling, by the host that it is for. It is no hop of the report.
    pub fn service(&self, connection: &Connection, memo: &mut Memo, judged: &mut Judged) {
        let mut gathered = self.gathered(&mut judged.tallies);
        let hop = path::unread(connection, &self.network, memo);
        let ctx = Ctx { hops: std::slice::from_ref(&hop), ..self.ctx() };
        for (idx, rule, check) in &self.book.services {
            gathered.outcome(*idx, rule, check(connection, &ctx), None, || connection_filter(connection));
        }
        let Gathered { findings, waived, .. } = gathered;
        self.told(connection.first.seq, findings, &waived, judged);
    }

    /// Judges what a whole run showed of the SBCs and of the ways to Microsoft.
    pub fn run(&self, trunks: &Trunks, routes: &Routes) -> Judged {
        let mut judged = Judged::default();
        let mut gathered = self.gathered(&mut judged.tallies);
        let ctx = self.ctx();
        for (sbc, history) in trunks.iter() {
            let mut outcomes = Outcomes::default();
            self.book.trunks.iter().for_each(|(idx, rule, check)| outcomes.add(*idx, rule, check(sbc, history, &ctx)));
            Hidden::by(&outcomes, &self.book).part(&mut outcomes);
            gathered.take(&mut outcomes, None, || format!("{}.addr == {sbc}", if sbc.is_ipv6() { "ipv6" } else { "ip" }));
        }
        for (idx, rule, check) in &self.book.paths {
            gathered.outcome(*idx, rule, check(routes, &ctx), None, String::new);
        }
        let expired = self.config.waivers.iter().filter(|waiver| waiver.is_over(self.clock));
        gathered.findings.extend(expired.map(|waiver| finding(EXPIRED, waiver.expired(), None, String::new())));
        let Gathered { findings, waived, .. } = gathered;
        let first = findings.iter().flat_map(|finding| &finding.violation.evidence).map(|evidence| evidence.seq).min();
        self.told(first.unwrap_or_default(), findings, &waived, &mut judged);
        judged
    }

    /// Adds what has nothing but findings.
    fn told(&self, first: Seq, findings: Vec<Finding>, waived: &Waived, judged: &mut Judged) {
        let report = CallReport { first, findings: findings.as_slice().into(), ..CallReport::default() };
        judged.add(Some(&report).filter(|report| !report.findings.is_empty()), self.format);
        judged.add_findings(findings, waived);
    }

    fn gathered<'g>(&'g self, tallies: &'g mut Tallies) -> Gathered<'g> {
        Gathered {
            findings: Vec::new(),
            tallies,
            book: &self.book,
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
        let user = |text: &[u8]| NameAddr::parse(&lossy(text)).uri().user_decoded().map(|user| user.into_owned());
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
            courses: &[],
        }
    }

    fn transport(&self, connection: &Connection, ctx: &Ctx<'_>, gathered: &mut Gathered) {
        let mut outcomes = self.of_connection(connection, ctx, |_| true);
        Hidden::by(&outcomes, &self.book).part(&mut outcomes);
        gathered.take(&mut outcomes, None, || connection_filter(connection));
    }

    fn of_connection(&self, connection: &Connection, ctx: &Ctx<'_>, wanted: impl Fn(&Rule) -> bool) -> Outcomes {
        let mut outcomes = Outcomes::default();
        let asked = self.book.connections.iter().filter(|(_, rule, _)| wanted(rule));
        asked.for_each(|(idx, rule, check)| outcomes.add(*idx, rule, check(connection, ctx)));
        outcomes
    }

    /// What broken connections of a call hide in its legs. Their findings are told with the connections.
    fn broken(&self, call: &Call, ctx: &Ctx<'_>) -> Hidden {
        let mut hidden = Hidden::default();
        for connection in &call.connections {
            hidden.also(&Hidden::by(&self.of_connection(connection, ctx, |rule| !rule.hides.is_empty()), &self.book));
        }
        hidden
    }

    /// Judges the messages of a leg. Gives what their findings hide.
    fn messages(&self, leg: &Leg, ctx: &Ctx<'_>, by_leg: &Hidden, gathered: &mut Gathered) -> Hidden {
        let (mut all, mut outcomes) = (Hidden::default(), Outcomes::default());
        for message in leg.messages.iter().filter(|message| !message.retransmission) {
            for (idx, rule, check) in self.book.of_message(ctx.towards(message), message.start) {
                outcomes.add(idx, rule, lowered(rule, message, ctx, check(message, ctx)));
            }
            debug_assert!(
                self.book.left_out(ctx.towards(message), message.start).all(|(_, _, check)| check(message, ctx) == Outcome::NotApplicable)
            );
            let mut hidden = Hidden::by(&outcomes, &self.book);
            all.also(&hidden);
            hidden.also(by_leg);
            hidden.part(&mut outcomes);
            gathered.take(&mut outcomes, ctx.call, || call_filter(leg));
        }
        all
    }

    fn leg(&self, leg: &Leg, ctx: &Ctx<'_>) -> Outcomes {
        let mut outcomes = Outcomes::default();
        self.book.legs.iter().for_each(|(idx, rule, check)| outcomes.add(*idx, rule, check(leg, ctx)));
        outcomes
    }

    fn whole(&self, call: &Call, ctx: &Ctx<'_>, gathered: &mut Gathered) {
        for (idx, rule, check) in &self.book.calls {
            gathered.outcome(*idx, rule, check(call, ctx), Some(call), || whole_filter(call));
        }
    }

    fn hops(&self, hops: &[Hop], ctx: &Ctx<'_>, gathered: &mut Gathered) {
        for hop in hops {
            for (idx, rule, check) in &self.book.hops {
                let filter = || format!("ip.addr == {} && ip.addr == {}", hop.a.ip, hop.b.ip);
                gathered.outcome(*idx, rule, check(hop, ctx), ctx.call, filter);
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
    let call_id = leg.call_id().map(|c| lossy(c).replace('\\', "\\\\").replace('"', "\\\""));
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
