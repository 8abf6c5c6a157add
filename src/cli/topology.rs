//! `callpath topology check` and `callpath topology init`: is a topology file right, and what does it give; what does a capture show
//! of one that is still to be written.

use super::analyze::{self, Analysed, Job};
use super::args::{Analyze, Color, FailOn, Init, ListFormat, TopologyCheck};
use super::exit::Exit;
use super::output::Output;
use super::pipeline;
use super::progress::Progress;
use crate::config::NONE;
use crate::error::Error;
use crate::report::{Format, draft::Draft, escape::escape};
use crate::topology::{Switch, Topology, open_questions, switches};
use serde::Serialize;
use std::io::{self, Write};
use std::sync::Mutex;

/// The answer of `check` as an object.
#[derive(Serialize)]
struct Checked {
    schema: &'static str,
    file: String,
    name: Option<String>,
    tables: Vec<Switch>,
    notes: Vec<String>,
    open: Vec<String>,
    microsoft: String,
}

/// Loads the file and writes what it holds; fails with its first fault.
pub fn check(args: &TopologyCheck, mut output: Output) -> Result<(), Error> {
    let checked = checked(&pipeline::topology(Some(&args.file))?, args.file.to_string_lossy().into_owned());
    match args.format {
        ListFormat::Terminal => text(&checked, output.writer())?,
        ListFormat::Json => {
            serde_json::to_writer(output.writer(), &checked).map_err(io::Error::from)?;
            writeln!(output.writer())?;
        }
    }
    output.finish()
}

fn checked(topology: &Topology, file: String) -> Checked {
    Checked {
        schema: "callpath.topology/1",
        file,
        name: topology.tables.name.clone(),
        tables: switches(topology),
        notes: topology.notes.clone(),
        open: open_questions(topology),
        microsoft: topology.microsoft_lists(),
    }
}

fn text(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    let name = checked.name.as_ref().map(|name| format!(" ({})", escape(name))).unwrap_or_default();
    writeln!(out, "{}{name} loads", escape(&checked.file))?;
    writeln!(out, "Microsoft prefixes: {}", escape(&checked.microsoft))?;
    let (on, off): (Vec<&Switch>, Vec<&Switch>) = checked.tables.iter().partition(|switch| switch.on);
    let section = |out: &mut dyn Write, title: &str, lines: &mut dyn Iterator<Item = String>| {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            writeln!(out, "\n{title}")?;
        }
        lines.try_for_each(|line| writeln!(out, "{line}"))
    };
    section(
        out,
        "Given",
        &mut on.iter().map(|switch| format!("  {}: {}\n    gives {}", switch.tables, switch.holds.join(", "), switch.gives)),
    )?;
    section(
        out,
        "Not given",
        &mut off.iter().map(|s| format!("  {}\n    would give {}\n    without it: {}", s.tables, s.gives, s.without)),
    )?;
    section(out, "Still open", &mut checked.open.iter().map(|line| format!("- {}", escape(line))))?;
    section(out, "Notes", &mut checked.notes.iter().map(|line| format!("- {}", escape(line))))
}

/// Drafts a topology from what captures show. Nothing is judged.
pub fn init(args: &Init) -> Result<Exit, Error> {
    let analyze = Analyze::unjudged(&args.from, &args.keylog, args.no_progress);
    let mut output = Output::open(args.output.as_deref(), Color::Never)?;
    let progress = Progress::new(&analyze);
    let job =
        Job { args: &analyze, rules: Vec::new(), config: &NONE, format: &Draft, progress: &progress, out: Mutex::new(output.writer()) };
    let analysed = pipeline::analyse(&job);
    progress.clear();
    let Analysed { summary, mut sections } = analysed?;
    Draft.finish(&summary, &mut sections, output.writer())?;
    output.finish()?;
    analyze::unread(&summary).iter().for_each(|line| super::complain(line));
    Ok(Exit::of(&summary, FailOn::Never))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_and_what_is_missing_is_told() {
        let file = "name = 'Contoso'\n[[link]]\nid = 'er'\nsegment = '?'\nvlan = [[7]]\n[tenant]\ndomains = ['contoso.com']\n[[gateway]]\nfqdn = 'x.example'\n";
        let mut out = Vec::new();
        text(&checked(&Topology::parse(file, "t.toml").unwrap(), "t.toml".to_owned()), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("t.toml (Contoso) loads\nMicrosoft prefixes: built-in list as of "), "{text}");
        for line in [
            "\n\nGiven\n  [[link]], [[tunnel]]: 1 link\n    gives the segment",
            "\n  [tenant]: 1 domain\n",
            "\n\nNot given\n  [[prefix]]\n    would give places",
            "\n\nStill open\n- link er has segment \"?\": write",
            "\n\nNotes\n- t.toml:9: 'x.example' is under none of the tenant's domains (contoso.com)\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
    }
}
