//! Tables of growth: a capture that goes on for longer, and attacks of twice the size. Time is to grow with it, memory is not.

use super::asked::Asked;
use super::captures::{self, Capture, Pace, capture};
use super::goal::Goal;
use super::measure::{Feed, Memory, times};
use super::tools::{NOWHERE, callpath, checked};
use std::io::{self, Write};
use std::path::Path;

/// Lengths of the steps.
const STEPS: [u32; 4] = [1, 2, 4, 10];
const HEAD: &str = "\n| shape | length | packets | best s | ns/packet | peak MB | state MB | time a packet | memory | goal |\n\
                    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |";

/// One step: seconds and peak memory.
struct Step {
    packets: u64,
    best: f64,
    memory: Memory,
}

/// `make bench-scaling`: as many calls at a time, for longer.
pub fn scaling(asked: &Asked) -> io::Result<()> {
    writeln!(io::stdout(), "{HEAD}")?;
    let shapes: Vec<&String> = asked.shapes.iter().filter(|shape| ["big", "siponly", "drsip"].contains(&shape.as_str())).collect();
    for shape in shapes {
        steps(asked, (shape, Pace::Slow), asked.step_mb * 1_000_000, &STEPS)?;
    }
    Ok(())
}

/// `make bench-hostile`: attacks, and twice as much of each.
pub fn hostile(asked: &Asked) -> io::Result<()> {
    writeln!(io::stdout(), "{HEAD}")?;
    for shape in captures::attacks() {
        steps(asked, (&shape, Pace::Usual), asked.big_mb * 1_000_000, &STEPS[..2])?;
    }
    Ok(())
}

fn steps(asked: &Asked, (shape, pace): (&str, Pace), most: u64, lengths: &[u32]) -> io::Result<()> {
    let mut first = None;
    for length in lengths {
        let capture = capture(asked, shape, most, *length, pace)?;
        let line = match step(asked, &capture)? {
            Err(problem) => format!("{problem} | - | - | - | - | - | - |"),
            Ok(step) => {
                let line = figures(&step, first.as_ref(), pace);
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
    let measured = checked(&capture.path, Feed::Nothing, None, capture.packets, &scratch).and_then(|memory| {
        let times = times(asked.runs, &scratch, Feed::Nothing, || callpath(&capture.path, "json", None, Path::new(NOWHERE)))?;
        Ok(Step { packets: capture.packets, best: times.best, memory })
    });
    Ok(measured)
}

fn figures(step: &Step, first: Option<&Step>, pace: Pace) -> String {
    let ns = |step: &Step| step.best * 1e9 / step.packets as f64;
    let time = first.map(|first| ns(step) / ns(first));
    let memory = first.and_then(|first| Some(step.memory.state? as f64 / first.memory.state? as f64));
    let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    // Of an attack all is open to the end, so memory grows with it until --max-memory.
    let settled = memory.filter(|_| pace == Pace::Slow);
    let goals: Vec<String> = [Goal::even(time, "time"), Goal::even(settled, "memory")].iter().flatten().map(ToString::to_string).collect();
    format!(
        "{:.3} | {:.1} | {} | {} | {} | {} |",
        step.best,
        ns(step),
        step.memory.cells(),
        or_dash(time),
        or_dash(memory),
        goals.join("; ")
    )
}
