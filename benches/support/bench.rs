//! What the benches of whole runs have in common: one command line, the captures, and a table for each question.

use std::env;
use std::io::{self, Read, Write};
use std::process::ExitCode;

#[path = "asked.rs"]
mod asked;
#[path = "captures.rs"]
mod captures;
#[path = "floor.rs"]
mod floor;
#[path = "forms.rs"]
mod forms;
#[path = "goal.rs"]
mod goal;
#[path = "growth.rs"]
mod growth;
#[path = "measure.rs"]
mod measure;
#[path = "table.rs"]
mod table;
#[path = "tools.rs"]
mod tools;
#[path = "whole.rs"]
mod whole;

use asked::Asked;

/// The word that makes this program the reader at the other end of a pipe, which throws everything away.
const DISCARD: &str = "--discard";
/// Bytes read at one time from a pipe.
const PIECE: usize = 1 << 20;

/// Does what the command line asks for; `usual` is the table where it names none.
pub fn main(usual: &str) -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let done = match args.as_slice() {
        [word] if word == DISCARD => discard(),
        // `cargo test --all-targets` starts benches without this word and wants them to do nothing.
        args if !args.iter().any(|arg| arg == "--bench") => Ok(()),
        args => Asked::read(usual, args).map_err(io::Error::other).and_then(|asked| bench(&asked)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn bench(asked: &Asked) -> io::Result<()> {
    writeln!(io::stdout(), "{}", asked::machine())?;
    match asked.table.as_str() {
        "run" => whole::run(asked),
        "peers" => whole::peers(asked),
        "scaling" => growth::scaling(asked),
        "hostile" => growth::hostile(asked),
        other => Err(io::Error::other(format!("'{other}' is none of run, peers, scaling, hostile"))),
    }
}

/// Reads standard input to its end.
fn discard() -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    while io::stdin().lock().read(&mut piece)? > 0 {}
    Ok(())
}
