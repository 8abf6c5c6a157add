//! The path of one call, whole: its legs and why they are one call, its hosts in a chain, and each hop with both directions, what they
//! rest on, and the verdict.

use super::hops::outward;
use super::{calls, path, when};
use crate::record::Seq;
use crate::report::{CallEntry, CallReport, Format, HopEntry, LegEntry, Rendered, Summary, WayEntry, escape::escape, spool::Spool};
use std::io::{self, Write};

/// Digits of an id that name a call by its beginning, at least.
const FEWEST: usize = 4;
/// Calls named when none is meant.
const MOST_NAMED: usize = 10;

/// The format of `callpath path`.
#[derive(Debug, Clone)]
pub struct WholePath {
    /// Id of the call, or its beginning, or the Call-ID of one of its legs.
    pub call: String,
}

impl WholePath {
    fn is_meant(&self, call: &CallEntry<'_>) -> bool {
        let by_id = self.call.len() >= FEWEST && call.id.starts_with(&self.call.to_ascii_lowercase());
        by_id || call.legs.iter().any(|leg| leg.call_id.as_deref() == Some(self.call.as_str()))
    }

    /// What to say where no call was meant; nothing where one was. `sections` are those of the run.
    pub fn refusal(&self, sections: &mut [Spool]) -> io::Result<Option<String>> {
        let [shown, others, ..] = sections else { return Ok(None) };
        if !shown.is_empty() {
            return Ok(None);
        }
        let mut named: Vec<String> = Vec::new();
        others.for_each(|id| {
            if named.len() < MOST_NAMED {
                named.push(String::from_utf8_lossy(id).into_owned());
            }
            Ok(())
        })?;
        let (all, call) = (others.len(), escape(&self.call));
        Ok(Some(match all {
            0 => format!("no call '{call}': there is no call in these captures"),
            all if all > named.len() => format!("no call '{call}': the first of {all} are {}", named.join(", ")),
            1 => format!("no call '{call}': the only one is {}", named.join("")),
            _ => format!("no call '{call}': there are {}", named.join(", ")),
        }))
    }
}

impl Format for WholePath {
    fn sections(&self) -> usize {
        2
    }

    fn render(&self, report: &CallReport<'_>, out: &mut Rendered) {
        let Some(call) = &report.call else { return };
        match self.is_meant(call) {
            // Text goes to memory, which takes all.
            true => out.entry(0, report.first, |text| write(call, report, text).unwrap_or_default()),
            false => out.entry(1, report.first, |text| text.extend_from_slice(call.id.as_bytes())),
        }
    }

    fn finish(&self, summary: &Summary, sections: &mut [Spool], out: &mut dyn Write) -> io::Result<()> {
        if let Some(shown) = sections.first_mut() {
            shown.for_each(|text| out.write_all(text))?;
        }
        let problems = summary.inputs.iter().filter_map(|input| Some((&input.path, input.problem.as_ref()?)));
        for (path, problem) in problems {
            writeln!(out, "{}: {}", escape(path), escape(problem))?;
        }
        Ok(())
    }
}

fn write(call: &CallEntry<'_>, report: &CallReport<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let (caller, callee) =
        (calls::party(call, call.caller.as_deref(), |leg| &leg.a), calls::party(call, call.callee.as_deref(), |leg| &leg.b));
    let started = format!("{} {} UTC", when::date(&call.started), when::clock(&call.started));
    let started = escape(&started);
    writeln!(out, "Call {}  {}  {caller} to {callee}  {}", escape(&call.id), started, calls::outcome(call))?;
    if let Some(scenario) = &report.scenario {
        writeln!(out, "  expected    {}", escape(scenario))?;
    }
    for kind in ["signalling", "media"] {
        for (at, line) in path::lines(&report.hops, kind).iter().enumerate() {
            writeln!(out, "  {:<10}  {line}", if at == 0 { kind } else { "" })?;
        }
    }
    for leg in &call.legs {
        write_leg(leg, out)?;
    }
    let mut hops: Vec<&(Seq, HopEntry<'_>)> = report.hops.iter().collect();
    hops.sort_by_key(|(first, hop)| (hop.kind != "signalling", *first));
    hops.into_iter().try_for_each(|(_, hop)| write_hop(hop, out))?;
    writeln!(out)
}

fn write_leg(leg: &LegEntry<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let call_id = leg.call_id.as_deref().map_or("media without signalling".into(), escape);
    let transport = leg.transport.as_deref().map(escape).unwrap_or_default();
    writeln!(out, "\n  Leg {call_id}")?;
    writeln!(out, "    {} to {} {transport}, {} side", escape(&leg.a), escape(&leg.b), escape(&leg.side))?;
    match &leg.joined_by {
        Some(reason) => writeln!(out, "    joined by {}", escape(reason)),
        None => Ok(()),
    }
}

fn write_hop(hop: &HopEntry<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let hop = outward(hop.clone());
    let (a, b) = (&hop.a, &hop.b);
    let verdict = match hop.asymmetric.verdict.as_str() {
        "no" => "symmetric".to_owned(),
        "cannot_tell" => "asymmetry cannot be told".to_owned(),
        verdict => format!("asymmetry {verdict}"),
    };
    writeln!(
        out,
        "\n  Hop {}  {} {} ({}) and {} ({}): {}",
        escape(&hop.id),
        escape(&hop.kind),
        escape(&a.ip),
        escape(&a.place),
        escape(&b.ip),
        escape(&b.place),
        escape(&verdict)
    )?;
    write_way("→", &hop.a_to_b, out)?;
    write_way("←", &hop.b_to_a, out)?;
    hop.asymmetric.evidence.iter().try_for_each(|evidence| writeln!(out, "    - {}", escape(evidence)))
}

fn write_way(arrow: &str, way: &WayEntry<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let (segment, basis) = (escape(&way.segment), escape(&way.basis));
    writeln!(out, "    {arrow} {segment}, {} packets, {} bytes: {basis}", way.packets, way.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn shown(call: &str) -> (String, Option<String>) {
        let format = WholePath { call: call.to_owned() };
        let mut rendered = Rendered::default();
        sample::sample().1.iter().for_each(|report| format.render(report, &mut rendered));
        let mut sections = [Spool::default(), Spool::default()];
        for (spool, part) in sections.iter_mut().zip(rendered.0) {
            spool.append(part).unwrap();
        }
        let refusal = format.refusal(&mut sections).unwrap();
        let mut out = Vec::new();
        format.finish(&Summary::default(), &mut sections, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), refusal)
    }

    #[test]
    fn the_call_that_is_meant_is_shown_by_id_beginning_or_call_id() {
        let calls = sample::sample().1;
        let call = calls.iter().find_map(|report| report.call.clone().filter(|call| !call.legs.is_empty())).unwrap();
        let (whole, refusal) = shown(&call.id);
        assert!(whole.starts_with(&format!("Call {}  ", call.id)) && refusal.is_none(), "{whole}");
        assert!(whole.contains("\n  Leg ") && whole.contains("\n  Hop "), "{whole}");
        assert_eq!(shown(&call.id[..6].to_ascii_uppercase()).0, whole);
        assert_eq!(shown(call.legs[0].call_id.as_deref().unwrap()).0, whole);
    }

    #[test]
    fn where_none_is_meant_those_there_are_named() {
        let (text, refusal) = shown("no\u{1b}ne");
        let refusal = refusal.unwrap();
        assert!(text.is_empty() && refusal.starts_with("no call 'no"), "{refusal}");
        assert!(!refusal.contains('\u{1b}') && refusal.contains(&*sample::sample().1[0].call.as_ref().unwrap().id), "{refusal}");
        assert!(shown("").1.is_some(), "nothing is the beginning of every id");
    }
}
