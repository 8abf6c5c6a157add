//! `callpath rules`: the catalogue, a line each.

use super::args::RulesFormat;
use super::output::Output;
use crate::error::Error;
use crate::finding::Severity;
use crate::report::terminal::style::{self, Pen};
use serde::Serialize;
use std::io::{self, Write};

/// What lists and look-ups need of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RuleLine<'a> {
    /// `DR001-contact-ip`.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Severity of a violation, before the rule raises or lowers it.
    pub severity: Severity,
    /// Family: `identity`, `transport` …
    pub family: &'a str,
    /// What the capture must show.
    pub evidence: &'a str,
}

/// The list as an object.
#[derive(Serialize)]
struct List<'a> {
    schema: &'static str,
    rules: &'a [RuleLine<'a>],
}

/// Writes the rules in the order given.
pub fn print(rules: &[RuleLine<'_>], format: RulesFormat, mut output: Output) -> Result<(), Error> {
    match format {
        RulesFormat::Terminal => {
            let pen = Pen { width: usize::from(output.width()), color: output.color() };
            lines(rules, pen, output.writer())?;
        }
        RulesFormat::Json => {
            serde_json::to_writer(output.writer(), &List { schema: "callpath.rules/1", rules }).map_err(io::Error::from)?;
            writeln!(output.writer())?;
        }
        RulesFormat::Markdown => markdown(rules, output.writer())?,
    }
    output.finish()
}

fn lines(rules: &[RuleLine<'_>], pen: Pen, out: &mut dyn Write) -> io::Result<()> {
    let widest = |of: fn(&RuleLine<'_>) -> usize| rules.iter().map(of).max().unwrap_or(0);
    let (ids, families) = (widest(|rule| rule.id.len()), widest(|rule| rule.family.len()));
    for rule in rules {
        let mut lead = pen.line();
        lead.put(style::STRONG, rule.id).to(ids + 2).put(style::of(rule.severity), &rule.severity.to_string());
        lead.to(ids + 2 + 9).put(style::DIM, rule.family).to(ids + 2 + 9 + families + 2);
        pen.paragraph(out, lead, style::PLAIN, &format!("{} ({})", rule.title, rule.evidence))?;
    }
    Ok(())
}

fn markdown(rules: &[RuleLine<'_>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| Rule | Severity | Family | What is found | Evidence |\n| --- | --- | --- | --- | --- |")?;
    let cell = |text: &str| text.replace('|', "\\|");
    rules.iter().try_for_each(|rule| {
        writeln!(out, "| {} | {} | {} | {} | {} |", rule.id, rule.severity, rule.family, cell(rule.title), cell(rule.evidence))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_line_with_id_severity_family_and_title() {
        let rule = |id, severity, family| RuleLine { id, title: "A title", severity, family, evidence: "SIP text" };
        let rules = [rule("DR001-contact-ip", Severity::Error, "identity"), rule("DR170-asymmetric-path", Severity::Warning, "path")];
        let mut out = Vec::new();
        lines(&rules, Pen { width: 100, color: false }, &mut out).unwrap();
        let expected = "DR001-contact-ip       error    identity  A title (SIP text)
DR170-asymmetric-path  warning  path      A title (SIP text)
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut out = Vec::new();
        markdown(&rules[..1], &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with("\n| DR001-contact-ip | error | identity | A title | SIP text |\n"));
    }
}
