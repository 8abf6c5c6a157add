//! What went over each segment in each direction: calls, media, bytes, loss and delay.

use super::style::{self, Pen};
use super::{counted, width};
use crate::report::{SegmentEntry, Summary, escape::escape};
use std::io::{self, Write};

/// Writes a line for each segment and direction; nothing without traffic.
pub fn write(out: &mut dyn Write, pen: Pen, summary: &Summary) -> io::Result<()> {
    let segments = &summary.totals.segments;
    if segments.is_empty() {
        return Ok(());
    }
    pen.heading(out, "Segments", "→ out, towards Microsoft; ← in")?;
    let names: Vec<String> = segments.iter().map(name).collect();
    let column = names.iter().map(|name| width::of(name)).max().unwrap_or(0).min(pen.width / 3);
    for (name, segment) in names.iter().zip(segments) {
        let mut line = pen.line();
        line.put(style::PLAIN, &width::left(&width::fit(name, column), column)).put(style::PLAIN, "  ");
        pen.paragraph(out, line, style::PLAIN, &text(segment))?;
    }
    Ok(())
}

/// `→ expressroute`
fn name(segment: &SegmentEntry) -> String {
    let arrow = match segment.direction.as_str() {
        "out" => "→",
        "in" => "←",
        _ => "↔",
    };
    format!("{arrow} {}", escape(&segment.segment))
}

/// `2 calls, 1.25 minutes of media, 12.3 kB, 4 lost (0.10 %), round trip 36.0 ms, max 40.0 ms`
fn text(segment: &SegmentEntry) -> String {
    let mut parts = vec![counted(segment.calls, "call", "calls")];
    let has_media = segment.media_minutes.0 > 0 || segment.lost != 0;
    parts.extend(has_media.then(|| format!("{} minutes of media", segment.media_minutes)));
    parts.push(format!("{} in {}", bytes(segment.bytes), counted(segment.packets, "packet", "packets")));
    parts.extend(has_media.then(|| format!("{} lost ({} %)", segment.lost, segment.loss_percent)));
    if let (Some(mean), Some(max)) = (segment.rtt_ms.mean, segment.rtt_ms.max) {
        parts.push(format!("round trip {mean} ms, max {max} ms"));
    }
    parts.join(", ")
}

/// Bytes in the unit that leaves three digits or fewer in front of the point.
fn bytes(n: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1_000 {
        return counted(n, "byte", "bytes");
    }
    let mut scaled = n as f64 / 1_000.0;
    let mut unit = 0;
    while scaled >= 999.95 && unit + 1 < units.len() {
        scaled /= 1_000.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Decimal;

    #[test]
    fn a_segment_says_what_it_carried() {
        let segment = SegmentEntry {
            segment: "expressroute".to_owned(),
            direction: "out".to_owned(),
            calls: 2,
            packets: 1_500,
            bytes: 240_049,
            media_minutes: Decimal(50),
            lost: 3,
            loss_percent: Decimal(20),
            ..SegmentEntry::default()
        };
        assert_eq!(name(&segment), "→ expressroute");
        assert_eq!(text(&segment), "2 calls, 0.50 minutes of media, 240.0 kB in 1500 packets, 3 lost (0.20 %)");
        let signalling = SegmentEntry { calls: 1, packets: 1, bytes: 999, ..SegmentEntry::default() };
        assert_eq!(text(&signalling), "1 call, 999 bytes in 1 packet");
    }

    #[test]
    fn bytes_keep_three_digits() {
        assert_eq!(
            [0, 1, 1_000, 999_949, 999_950, 12_345_678_901].map(bytes),
            ["0 bytes", "1 byte", "1.0 kB", "999.9 kB", "1.0 MB", "12.3 GB"]
        );
    }
}
