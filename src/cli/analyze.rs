//! `callpath analyze`: everything around the analysis: options checked before work begins, the report written where it was asked
//! for, the exit code.

use super::args::{Analyze, ReportFormat};
use super::exit::Exit;
use super::explain::find;
use super::output::Output;
use super::progress::Progress;
use super::rules::RuleLine;
use crate::error::Error;
use crate::report::{Format, Summary, json::Json, jsonl::Jsonl, spool::Spool, terminal::Limits, terminal::Terminal};
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
    /// Full ids of the rules to judge, in the order of the catalogue.
    pub rules: Vec<&'a str>,
    /// Renders the entries of ended calls.
    pub format: &'a dyn Format,
    /// Told how far reading has come.
    pub progress: &'a Progress,
    /// Takes what the format does not keep for the end.
    pub out: Mutex<&'a mut (dyn Write + Send)>,
}

/// Runs `pipeline` on a checked [`Job`] and writes its report. Errors of usage come before any work.
pub fn run<F>(args: &Analyze, catalogue: &[RuleLine<'_>], pipeline: F) -> Result<Exit, Error>
where
    F: FnOnce(&Job<'_>) -> Result<Analysed, Error>,
{
    if args.filter.is_some() && !cfg!(feature = "live") {
        return Err(Error::Usage("-f needs libpcap: this callpath was built without the feature 'live'".to_owned()));
    }
    let rules = selected(args, catalogue)?;
    let mut output = Output::open(args.output.as_deref(), args.color)?;
    let format = format(args, &output);
    let progress = Progress::new(args);
    let out = Mutex::new(output.writer());
    let analysed = pipeline(&Job { args, rules, format: format.as_ref(), progress: &progress, out });
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

/// The rules of `--select`, all when it is not given, without those of `--ignore`.
fn selected<'a>(args: &Analyze, catalogue: &'a [RuleLine<'a>]) -> Result<Vec<&'a str>, Error> {
    let ids = |typed: &[String]| typed.iter().map(|typed| find(catalogue, typed).map(|rule| rule.id)).collect::<Result<Vec<_>, _>>();
    let (select, ignore) = (ids(&args.select)?, ids(&args.ignore)?);
    let wanted = |id: &&str| (select.is_empty() || select.contains(id)) && !ignore.contains(id);
    Ok(catalogue.iter().map(|rule| rule.id).filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::super::args::{Cli, Command};
    use super::*;
    use crate::finding::Severity;
    use crate::report::InputEntry;
    use clap::Parser;

    const CATALOGUE: [RuleLine<'_>; 2] = [
        RuleLine { id: "DR001-contact-ip", title: "", severity: Severity::Error, section: "" },
        RuleLine { id: "DR170-asymmetric-path", title: "", severity: Severity::Error, section: "" },
    ];

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
            let exit = run(&args, &CATALOGUE, |job| Ok(analysed(job, Some("ends inside record 4")))).unwrap();
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
    fn rules_are_selected_by_any_form_of_their_id() {
        let of = |line: &[&str]| selected(&args(line), &CATALOGUE).map_err(|error| error.to_string());
        assert_eq!(of(&["a"]).unwrap(), ["DR001-contact-ip", "DR170-asymmetric-path"]);
        assert_eq!(of(&["a", "--select", "dr170"]).unwrap(), ["DR170-asymmetric-path"]);
        assert_eq!(of(&["a", "--ignore", "contact-ip"]).unwrap(), ["DR170-asymmetric-path"]);
        assert!(of(&["a", "--select", "DR999"]).unwrap_err().starts_with("no rule 'DR999': nearest are "));
    }

    #[test]
    fn usage_errors_come_before_any_work() {
        for line in [["a", "--select", "DR999"], ["a", "-o", "/nowhere/at/all"]] {
            let error = run(&args(&line), &CATALOGUE, |_| panic!("began to work")).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{error}");
        }
    }

    #[test]
    fn a_failed_analysis_leaves_no_report() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report");
        let error =
            run(&args(&["-o", path.to_str().unwrap(), "a"]), &CATALOGUE, |_| Err(Error::Input("no capture".to_owned()))).unwrap_err();
        assert_eq!(Exit::of_error(&error), Exit::Incomplete);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
