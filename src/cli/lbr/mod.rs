//! `callpath lbr`: what Location-Based Routing decides for one hypothetical call, and why.

pub mod args;
pub mod question;

use super::args::ListFormat;
use super::output::Output;
use super::pipeline;
use crate::error::Error;
use crate::path::lbr::{Decision, Fits, Location, Ruling, decide};
use crate::report::{
    escape::escape,
    terminal::style::{self, Pen, Style},
};
use args::Lbr;
use question::{Person, Question};
use serde::Serialize;
use std::io::{self, Write};

/// The answer as an object.
#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    edition: String,
    decision: &'static str,
    via: &'a [String],
    missing: Option<String>,
    reasoning: &'a [String],
    people: Vec<PersonEntry<'a>>,
    gateways: Vec<GatewayEntry<'a>>,
}

#[derive(Serialize)]
struct PersonEntry<'a> {
    role: &'static str,
    number: &'a str,
    lbr: bool,
    policy: Vec<&'a str>,
    location: Option<&'static str>,
    site: Option<&'a str>,
    why: &'a str,
}

#[derive(Serialize)]
struct GatewayEntry<'a> {
    name: &'a str,
    fits: &'static str,
    why: &'a str,
}

/// Decides the call that `args` describe and writes the decision, its reasons and the facts.
pub fn run(args: &Lbr, mut output: Output) -> Result<(), Error> {
    let topology = pipeline::topology(args.topology.as_deref())?;
    let question = question::read(&topology, args)?;
    let edition = args.edition.unwrap_or(topology.tables.lbr_edition);
    let decision = decide(edition, &question.call);
    match args.format {
        ListFormat::Terminal => {
            let pen = Pen { width: usize::from(output.width()), color: output.color() };
            text(&question, &decision, pen, output.writer())?;
        }
        ListFormat::Json => {
            let answer = answer(edition.to_string(), &question, &decision);
            serde_json::to_writer(output.writer(), &answer).map_err(io::Error::from)?;
            writeln!(output.writer())?;
        }
    }
    output.finish()
}

fn answer<'a>(edition: String, question: &'a Question<'_>, decision: &'a Decision) -> Answer<'a> {
    let gateways = decision.gateways.iter();
    Answer {
        schema: "callpath.lbr/1",
        edition,
        decision: decision.ruling.name(),
        via: decision.ruling.via(),
        missing: match &decision.ruling {
            Ruling::Unknown(missing) => Some(missing.to_string()),
            _ => None,
        },
        reasoning: &decision.reasoning,
        people: question.people.iter().map(person_entry).collect(),
        gateways: gateways.map(|gateway| GatewayEntry { name: &gateway.name, fits: yes_no(&gateway.fits), why: &gateway.why }).collect(),
    }
}

fn person_entry<'a>(person: &'a Person<'_>) -> PersonEntry<'a> {
    let (location, site) = match person.located.location {
        Some(Location::Site { id, .. }) => (Some("site"), Some(id)),
        Some(Location::UnknownInternal) => (Some("unknown_internal"), None),
        Some(Location::UnknownExternal) => (Some("unknown_external"), None),
        None => (None, None),
    };
    PersonEntry {
        role: person.role,
        number: &person.user.number,
        lbr: person.user.lbr,
        policy: person.user.policy.iter().map(|name| name.as_str()).collect(),
        location,
        site,
        why: &person.located.why,
    }
}

fn yes_no(fits: &Fits) -> &'static str {
    match fits {
        Fits::Yes => "yes",
        Fits::No => "no",
        Fits::Unknown(_) => "unknown",
    }
}

/// The decision, then the reasons, then the facts: people first, gateways after them.
fn text(question: &Question<'_>, decision: &Decision, pen: Pen, out: &mut dyn Write) -> io::Result<()> {
    pen.paragraph(out, pen.line(), of_ruling(&decision.ruling), &escape(&decision.ruling.to_string()))?;
    pen.heading(out, "Why", "")?;
    for sentence in &decision.reasoning {
        let lead = pen.line().put(style::PLAIN, "- ").take();
        pen.paragraph(out, lead, style::PLAIN, &escape(sentence))?;
    }
    if question.people.is_empty() && decision.gateways.is_empty() {
        return Ok(());
    }
    pen.heading(out, "Facts", "")?;
    for person in &question.people {
        fact(pen, out, person.role, &told(person))?;
        fact(pen, out, "", &placed(person))?;
    }
    for gateway in &decision.gateways {
        let label = match gateway.fits {
            Fits::Yes => "in",
            Fits::No => "out",
            Fits::Unknown(_) => "unknown",
        };
        fact(pen, out, label, &format!("{}: {}", gateway.name, gateway.why))?;
    }
    Ok(())
}

fn fact(pen: Pen, out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
    let lead = pen.line().put(style::DIM, label).to("unknown  ".len()).take();
    pen.paragraph(out, lead, style::PLAIN, &escape(text))
}

fn told(person: &Person<'_>) -> String {
    let policy: Vec<&str> = person.user.policy.iter().map(|name| name.as_str()).collect();
    let policy = if policy.is_empty() { "no gateway in the policy".to_owned() } else { format!("policy {}", policy.join(", ")) };
    format!("{}: LBR {}, {policy}", person.user.number, if person.user.lbr { "on" } else { "off" })
}

fn placed(person: &Person<'_>) -> String {
    let why = &person.located.why;
    match (person.located.location, person.hint) {
        (Some(location), _) => format!("at {}: {why}", location.name()),
        (None, Some(option)) => format!("place not known: {why}; {option} would tell"),
        (None, None) => format!("place not known: {why}"),
    }
}

fn of_ruling(ruling: &Ruling) -> Style {
    match ruling {
        Ruling::Allow { .. } | Ruling::Deliver { .. } => style::GOOD,
        Ruling::Deny | Ruling::UnansweredForwarding => style::ERROR,
        Ruling::NotEnforced | Ruling::Unknown(_) => style::WARNING,
    }
}
