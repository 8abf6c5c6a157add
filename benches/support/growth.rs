//! Tables of growth: a capture that goes on for longer, and attacks of twice the size. Time is to grow with it, memory is not.

use super::asked::Asked;
use super::captures::{self, Capture, capture};
use super::goal::Goal;
use super::measure::{Feed, times};
use super::tools::{NOWHERE, callpath, checked};
use std::io::{self, Write};
use std::path::Path;

/// Lengths of the steps.
const STEPS: [u32; 4] = [1, 2, 4, 10];
const HEAD: &str = "\n| shape | length | packets | best s | ns/packet | peak MB | time a packet | memory | goal |\n\
                    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |";

/// One step: seconds and peak memory.
struct Step {
    packets: u64,
    best: f64,
    peak: Option<u64>,
}

/// `make bench-scaling`: as many calls at a time, for longer.
pub fn scaling(asked: &Asked) -> io::Result<()> {
    writeln!(io::stdout(), "{HEAD}")?;
    let shapes: Vec<&String> = asked.shapes.iter().filter(|shape| ["big", "siponly", "drsip", "wide"].contains(&shape.as_str())).collect();
    for shape in shapes {
        steps(asked, shape, asked.step_mb * 1_000_000, &STEPS)?;
    }
    Ok(())
}

/// `make bench-hostile`: attacks, and twice as much of each.
pub fn hostile(asked: &Asked) -> io::Result<()> {
    writeln!(io::stdout(), "{HEAD}")?;
    for shape in captures::attacks() {
        steps(asked, &shape, asked.big_mb * 1_000_000, &STEPS[..2])?;
    }
    Ok(())
}

fn steps(asked: &Asked, shape: &str, most: u64, lengths: &[u32]) -> io::Result<()> {
    let mut first = None;
    for length in lengths {
        let capture = capture(asked, shape, most, *length)?;
        let line = match step(asked, &capture)? {
            Err(problem) => format!("{problem} | - | - | - | - | - |"),
            Ok(step) => {
                let line = figures(&step, first.as_ref());
                first.get_or_insert(step);
                line
            }
        };
        writeln!(io::stdout(), "| {shape} | {length}× | {} | {line}", capture.packets)?;
    }
    Ok(())
}

fn step(asked: &Asked, capture: &Capture) -> io::Result<Result<Step, String>> {
    let scratch = captures::scratch()?;
    let measured = checked(&capture.path, Feed::Nothing, None, capture.packets, &scratch).and_then(|peak| {
        let times = times(asked.runs, &scratch, Feed::Nothing, || callpath(&capture.path, "json", None, Path::new(NOWHERE)))?;
        Ok(Step { packets: capture.packets, best: times.best, peak })
    });
    Ok(measured)
}

fn figures(step: &Step, first: Option<&Step>) -> String {
    let ns = |step: &Step| step.best * 1e9 / step.packets as f64;
    let time = first.map(|first| ns(step) / ns(first));
    let memory = first.and_then(|first| Some(step.peak? as f64 / first.peak? as f64));
    let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    let peak = step.peak.map_or("-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6));
    let goals: Vec<String> = [Goal::even(time, "time"), Goal::even(memory, "memory")].iter().flatten().map(ToString::to_string).collect();
    format!("{:.3} | {:.1} | {peak} | {} | {} | {} |", step.best, ns(step), or_dash(time), or_dash(memory), goals.join("; "))
}
