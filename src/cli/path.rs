//! `callpath path`: the path of one call, hop by hop and in each direction, with what it rests on.

use super::analyze::{self, Analysed, Job};
use super::args::{Analyze, Color, FailOn, PathOf};
use super::exit::Exit;
use super::output::Output;
use super::pipeline;
use super::progress::Progress;
use crate::config::NONE;
use crate::error::Error;
use crate::report::{Format, terminal::WholePath};
use std::sync::Mutex;

/// Reads the captures, judges no rule, and writes the path of the call that is meant. Fails where there is no such call.
pub fn run(args: &PathOf) -> Result<Exit, Error> {
    let analyze = Analyze { topology: args.topology.clone(), ..Analyze::unjudged(&args.input, &args.keylog, args.no_progress) };
    let format = WholePath { call: args.call.clone() };
    let mut output = Output::stdout(Color::Never);
    let progress = Progress::new(&analyze);
    let job =
        Job { args: &analyze, rules: Vec::new(), config: &NONE, format: &format, progress: &progress, out: Mutex::new(output.writer()) };
    let analysed = pipeline::analyse(&job);
    progress.clear();
    let Analysed { summary, mut sections } = analysed?;
    let read_whole = Exit::of(&summary, FailOn::Never);
    if let Some(refusal) = format.refusal(&mut sections)? {
        analyze::unread(&summary).iter().for_each(|line| super::complain(line));
        // A call that is not there may stand in what could not be read.
        return if read_whole == Exit::Clean { Err(Error::Usage(refusal)) } else { Ok(read_whole) };
    }
    format.finish(&summary, &mut sections, output.writer())?;
    output.finish()?;
    Ok(read_whole)
}
