//! `callpath analyze`: everything around the analysis: options checked before work begins, the report written where it was asked
//! for, the exit code.

use super::args::{Analyze, ReportFormat};
use super::exit::Exit;
use super::output::Output;
use super::pipeline::catalogue;
use super::progress::Progress;
use crate::config::Config;
use crate::error::Error;
use crate::report::{Format, Summary, json::Json, jsonl::Jsonl, spool::Spool, terminal::Limits, terminal::Terminal};
use crate::rules::Rule;
use std::io::Write;
use std::sync::Mutex;

/// Inputs named on standard error.
const MOST_UNREAD: usize = 10;

/// What an analysis leaves for the writers.
pub struct Analysed {
    /// What is known of all calls.
    pub summary: Summary,
    /// One spool for each section of the format.
    pub sections: Vec<Spool>,
}

/// What the pipeline is given, checked.
pub struct Job<'a> {
    /// The command line.
    pub args: &'a Analyze,
    /// The rules to judge, in the order of the catalogue.
    pub rules: Vec<&'static Rule>,
    /// What the site has decided.
    pub config: &'a Config,
    /// Renders the entries of ended calls.
    pub format: &'a dyn Format,
    /// Told how far reading has come.
    pub progress: &'a Progress,
    /// Takes what the format does not keep for the end.
    pub out: Mutex<&'a mut (dyn Write + Send)>,
}

/// Runs `pipeline` on a checked [`Job`] and writes its report. Errors of usage come before any work.
pub fn run<F>(args: &Analyze, config: &Config, pipeline: F) -> Result<Exit, Error>
where
    F: FnOnce(&Job<'_>) -> Result<Analysed, Error>,
{
    if args.filter.is_some() && !cfg!(feature = "live") {
        return Err(Error::Usage("-f needs libpcap: this callpath was built without the feature 'live'".to_owned()));
    }
    let rules = args.judging.rules(config, &catalogue())?;
    let mut output = Output::open(args.output.as_deref(), args.color)?;
    let format = format(args, &output);
    let progress = Progress::new(args);
    let out = Mutex::new(output.writer());
    let analysed = pipeline(&Job { args, rules, config, format: format.as_ref(), progress: &progress, out });
    progress.clear();
    let Analysed { summary, mut sections } = analysed?;
    let exit = Exit::of(&summary, args.fail_on);
    format.finish(&summary, &mut sections, output.writer())?;
    output.finish()?;
    if args.format != ReportFormat::Terminal || args.output.is_some() {
        unread(&summary).iter().for_each(|line| super::complain(line));
    }
    Ok(exit)
}

/// Lines on inputs that could not be read, or not to their end: for who does not see the report.
pub(super) fn unread(summary: &Summary) -> Vec<String> {
    let problems: Vec<String> =
        summary.inputs.iter().filter_map(|input| Some(format!("'{}': {}", input.path, input.problem.as_ref()?))).collect();
    let left = problems.len().saturating_sub(MOST_UNREAD);
    let more = (left > 0).then(|| format!("{left} more inputs were not read whole: the report names them"));
    problems.into_iter().take(MOST_UNREAD).chain(more).collect()
}

fn format(args: &Analyze, output: &Output) -> Box<dyn Format> {
    match args.format {
        ReportFormat::Terminal => {
            Box::new(Terminal::new(output.width(), output.color(), args.verbose, args.quiet).limited(Limits::of(args.limit)))
        }
        ReportFormat::Json => Box::new(Json),
        ReportFormat::Jsonl => Box::new(Jsonl),
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::{Cli, Command};
    use super::*;
    use crate::config::NONE;
    use crate::report::InputEntry;
    use clap::Parser;

    fn args(line: &[&str]) -> Analyze {
        match Cli::try_parse_from(["callpath", "analyze"].iter().chain(line)).unwrap().command {
            Command::Analyze(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn analysed(job: &Job<'_>, problem: Option<&str>) -> Analysed {
        let input = InputEntry { path: job.args.inputs().join(" "), problem: problem.map(str::to_owned), ..InputEntry::default() };
        let summary = Summary { inputs: vec![input], ..Summary::default() };
        Analysed { summary, sections: (0..job.format.sections()).map(|_| Spool::default()).collect() }
    }

    #[test]
    fn the_report_is_written_where_it_was_asked_for_even_when_an_input_is_cut() {
        let directory = tempfile::tempdir().unwrap();
        for (format, begins) in [("json", "{\"schema\":\"callpath.report/1\""), ("jsonl", "{"), ("terminal", "no findings in 0 records")] {
            let path = directory.path().join(format);
            let args = args(&["--format", format, "-o", path.to_str().unwrap(), "a.pcap"]);
            let exit = run(&args, &NONE, |job| Ok(analysed(job, Some("ends inside record 4")))).unwrap();
            assert_eq!(exit, Exit::Incomplete);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with(begins) && text.contains("ends inside record 4"), "{text}");
        }
    }

    #[test]
    fn inputs_that_were_not_read_are_named_up_to_a_number() {
        let input =
            |i: usize| InputEntry { path: format!("{i}.pcap"), problem: (i != 1).then(|| "cut".to_owned()), ..InputEntry::default() };
        let of = |n: usize| unread(&Summary { inputs: (0..n).map(input).collect(), ..Summary::default() });
        assert_eq!(of(3), ["'0.pcap': cut", "'2.pcap': cut"]);
        assert_eq!((of(11).len(), of(13).len(), of(13)[10].as_str()), (10, 11, "2 more inputs were not read whole: the report names them"));
    }

    #[test]
    fn usage_errors_come_before_any_work() {
        for line in [["a", "--select", "DR999"], ["a", "-o", "/nowhere/at/all"]] {
            let error = run(&args(&line), &NONE, |_| panic!("began to work")).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{error}");
        }
    }

    #[test]
    fn a_failed_analysis_leaves_no_report() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report");
        let error = run(&args(&["-o", path.to_str().unwrap(), "a"]), &NONE, |_| Err(Error::Input("no capture".to_owned()))).unwrap_err();
        assert_eq!(Exit::of_error(&error), Exit::Incomplete);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
