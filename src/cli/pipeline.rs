//! What subcommands need from the modules above: the catalogue, the topology of a file, and the analysis of inputs.

use super::analyze::{Analysed, Job};
use super::judging::Judging;
use super::rules::RuleLine;
use crate::analysis::{
    Analysis, Settings,
    run::{self, Drive, WINDOW},
};
use crate::config::{self, Config};
use crate::engine::{Budget, par};
use crate::error::Error;
use crate::flow::keylog::KeyLog;
use crate::input::{self, Filter, cannot_open};
use crate::record::{Merge, Options, Record};
use crate::rules;
use crate::topology::Topology;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// The rules, in the order of the catalogue.
pub fn catalogue() -> Vec<RuleLine<'static>> {
    let line = |rule: &&'static rules::Rule| RuleLine {
        id: rule.id,
        title: rule.title,
        severity: rule.severity,
        family: rule.family(),
        evidence: rule.evidence,
    };
    rules::RULES.iter().map(line).collect()
}

/// The page of the rule with the full id `id`.
pub fn page(id: &str) -> &'static str {
    rules::find(id).map_or("", |rule| rule.page)
}

/// The topology of `file`, or what is known without one.
pub fn topology(file: Option<&Path>) -> Result<Topology, Error> {
    let Some(path) = file else { return Ok(Topology::built_in()) };
    let name = path.to_string_lossy();
    let text =
        std::fs::read_to_string(path).map_err(|e| Error::Usage(format!("cannot read the topology '{name}': {}", cannot_open(&e).text)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Topology::parse_with(&text, &name, |list| std::fs::read_to_string(folder.join(list)).map_err(|e| cannot_open(&e).text))
}

/// What the site has decided: the file that is given, else the one beside the topology, else nothing.
pub fn config(judging: &Judging, topology: Option<&Path>) -> Result<Config, Error> {
    let beside = || topology.map(|file| file.with_file_name(config::FILE_NAME)).filter(|file| file.exists());
    let Some(path) = judging.config.clone().or_else(beside) else { return Ok(Config::default()) };
    let name = path.to_string_lossy();
    let unread = |e| Error::Usage(format!("cannot read the configuration '{name}': {}", cannot_open(&e).text));
    Config::parse(&std::fs::read_to_string(&path).map_err(unread)?, &name)
}

/// The secrets in the files that the user named.
fn key_log(files: &[PathBuf]) -> Result<KeyLog, Error> {
    let mut log = KeyLog::default();
    for path in files {
        let name = path.to_string_lossy();
        let text = std::fs::read(path)
            .map(zeroize::Zeroizing::new)
            .map_err(|e| Error::Usage(format!("cannot read the key log '{name}': {}", cannot_open(&e).text)))?;
        log.read(&text);
    }
    Ok(log)
}

/// Reads the inputs of `job` and judges their calls.
pub fn analyse(job: &Job<'_>) -> Result<Analysed, Error> {
    let topology = topology(job.args.topology.as_deref())?;
    let mut filter = job.args.filter.as_deref().map(Filter::compile).transpose()?;
    let options = Options::new(job.args.count, topology.same_link());
    let mut merge = Merge::open(input::discover(&job.args.inputs())?, par::spawn, options)?;
    let profile = job.args.judging.profile.into();
    let settings = Settings { topology: &topology, rules: &job.rules, format: job.format, profile, config: job.config };
    let mut analysis = Analysis::new(job.format);
    let mut keys = key_log(&job.args.keylog)?;
    keys.awaited = merge.has_streams();
    analysis.know(keys, merge.secrets());
    analysis.limit(job.args.max_memory.map_or_else(Budget::default, Budget::of));
    let mut out = job.out.lock().unwrap_or_else(PoisonError::into_inner);
    let out = &mut **out;
    let summary = par::with_threads(usize::from(job.args.threads.unwrap_or(0)), || {
        let mut keep = filter.as_mut().map(|filter| move |record: &Record<'_>| filter.keeps(record.link.0, record.bytes));
        let mut progress = |at: run::Progress| job.progress.update(at.bytes, at.of, at.records);
        let drive = Drive {
            window: WINDOW,
            filter: keep.as_mut().map(|keep| keep as &mut (dyn FnMut(&Record<'_>) -> bool + Send)),
            progress: &mut progress,
            out,
        };
        run::run(&mut analysis, &mut merge, settings, drive)?;
        run::finish(&mut analysis, &merge, settings)
    })?;
    Ok(Analysed { summary, sections: analysis.into_sections() })
}
