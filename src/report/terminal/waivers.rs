//! Findings that the site has accepted: how many each waiver covers, and which of them nothing needs any more.

use super::style::{self, Pen};
use super::{counted, escape};
use crate::report::Summary;
use std::io::{self, Write};

/// Writes a line for each waiver, unused ones last.
pub fn write(out: &mut dyn Write, pen: Pen, summary: &Summary) -> io::Result<()> {
    if summary.waivers.is_empty() {
        return Ok(());
    }
    pen.heading(out, "Waivers", "accepted, and not in the findings")?;
    let (used, unused): (Vec<_>, Vec<_>) = summary.waivers.iter().partition(|waiver| waiver.findings > 0);
    for waiver in used.into_iter().chain(unused) {
        let mut line = pen.line();
        line.put(style::STRONG, &escape(&waiver.rule));
        let of = match (waiver.findings, waiver.expired) {
            (0, true) => "expired".to_owned(),
            (0, false) => "not used".to_owned(),
            (n, _) => counted(n, "occurrence", "occurrences"),
        };
        let (subject, reason) = (escape(&waiver.subject), escape(&waiver.reason));
        pen.paragraph(out, line, style::PLAIN, &format!("  {of} · {subject} · until {} · {reason}", waiver.expires))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::WaiverEntry;

    #[test]
    fn unused_waivers_stand_last_and_captured_text_is_escaped() {
        let waiver = |rule: &str, findings, expired| WaiverEntry {
            rule: rule.into(),
            subject: "sbc a\u{1b}[2J".into(),
            reason: "agreed".into(),
            expires: "2027-03-31".into(),
            expired,
            findings,
        };
        let waivers = vec![waiver("DR008", 0, false), waiver("DR012", 0, true), waiver("DR013", 2, false)];
        let mut out = Vec::new();
        write(&mut out, Pen { width: 90, color: false }, &Summary { waivers, ..Summary::default() }).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("DR")).collect();
        assert_eq!(lines[0], "DR013  2 occurrences · sbc a\\x1B[2J · until 2027-03-31 · agreed");
        assert!(lines[1].starts_with("DR008  not used") && lines[2].starts_with("DR012  expired"), "{text}");
    }
}
