//! The command line: arguments in, exit code out. One file a subcommand, and those that say where reports, progress and errors go.

use crate::error::Error;
use crate::report::escape::escape;
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

pub mod analyze;
pub mod args;
pub mod classify;
pub mod exit;
pub mod explain;
pub mod judging;
pub mod lbr;
pub mod output;
pub mod pager;
pub mod path;
pub mod pipeline;
pub mod progress;
pub mod rules;
pub mod schema;
pub mod topology;

use args::{Cli, Color, Command, Topology};
use exit::Exit;
use output::Output;

/// The whole program: reads the process's arguments, does what they say, tells errors on standard error.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(std::env::args_os()) {
        Ok(cli) => cli,
        Err(refused) => return refuse(&refused).into(),
    };
    match dispatch(&cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = Exit::of_error(&error);
            if exit != Exit::Clean {
                complain(&error.to_string());
            }
            exit.into()
        }
    }
}

fn dispatch(command: &Command) -> Result<Exit, Error> {
    let catalogue = pipeline::catalogue();
    match command {
        Command::Analyze(args) => {
            let config = pipeline::config(&args.judging, args.topology.as_deref())?;
            return analyze::run(args, &config, pipeline::analyse);
        }
        Command::Rules(args) => rules::print(&catalogue, args.format, Output::stdout(args.color))?,
        Command::Explain(args) => {
            let rule = explain::find(&catalogue, &args.rule)?;
            explain::print(rule, pipeline::page(rule.id), args.format, Output::stdout(args.color))?;
        }
        Command::Classify(args) => classify::run(args, Output::stdout(args.color))?,
        Command::Path(args) => return path::run(args),
        Command::Lbr(args) => lbr::run(args, Output::stdout(args.color))?,
        Command::Topology(Topology::Check(args)) => topology::check(args, Output::stdout(Color::Never))?,
        Command::Topology(Topology::Init(args)) => return topology::init(args),
        Command::Schema(args) => schema::print(args.format, Output::stdout(Color::Never))?,
    }
    Ok(Exit::Clean)
}

/// Help and version go to standard output with 0, misuse to standard error with 2.
fn refuse(refused: &clap::Error) -> Exit {
    match capture_for_command(refused) {
        Some(path) => complain(&format!("no subcommand '{path}': to analyse that file, write 'callpath analyze {path}'")),
        // Who closes the pipe has seen enough of the help.
        None => refused.print().unwrap_or_default(),
    }
    if refused.exit_code() == 0 { Exit::Clean } else { Exit::Usage }
}

/// The file that stands where a subcommand belongs: `callpath call.pcap`.
fn capture_for_command(refused: &clap::Error) -> Option<&str> {
    match refused.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if refused.kind() == ErrorKind::InvalidSubcommand && Path::new(word).exists() => Some(word),
        _ => None,
    }
}

/// One line on standard error. It may quote names of files: they are escaped.
fn complain(message: &str) {
    let text = format!("callpath: {}\n", escape(message));
    // There is nowhere to tell that standard error is closed.
    io::stderr().write_all(text.as_bytes()).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_place_of_a_subcommand_is_recognised() {
        let refused = Cli::try_parse_from(["callpath", "Cargo.toml"]).unwrap_err();
        assert_eq!(capture_for_command(&refused), Some("Cargo.toml"));
        let refused = Cli::try_parse_from(["callpath", "no-such-file"]).unwrap_err();
        assert_eq!(capture_for_command(&refused), None);
    }
}
