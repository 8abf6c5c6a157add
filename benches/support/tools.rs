//! The programs that a table compares, as their users start them, and the one check that a run of callpath has to pass.

use super::measure::{self, Feed, Memory};
use std::env;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

/// Where reports go that nobody looks at.
pub const NOWHERE: &str = "/dev/null";

/// Options of callpath that a bench is asked to try, `--max-memory 100M`.
const OPTIONS: &str = "CALLPATH_BENCH_OPTIONS";

/// `callpath analyze INPUT`, its report to `report`.
pub fn callpath(input: &Path, format: &str, threads: Option<u32>, report: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callpath"));
    command.arg("analyze").arg(input).args(["--format", format, "--no-progress", "-o"]).arg(report);
    command.args(threads.map(|n| format!("-j{n}")));
    command.args(env::var(OPTIONS).unwrap_or_default().split_whitespace());
    command
}

/// Copies the capture and understands nothing.
pub fn tcpdump(capture: &Path) -> Command {
    let mut command = Command::new("tcpdump");
    command.arg("-r").arg(capture).args(["-w", NOWHERE]);
    command
}

/// Prints the two tables that callpath's figures are compared with.
pub fn tshark(capture: &Path) -> Command {
    let mut command = Command::new("tshark");
    command.args(["-n", "-q", "-z", "rtp,streams", "-z", "sip,stat", "-r"]).arg(capture);
    command
}

/// Gathers dialogs without showing them.
pub fn sngrep(capture: &Path) -> Command {
    let mut command = Command::new("sngrep");
    command.args(["-N", "-q", "-I"]).arg(capture);
    command
}

/// Its report without its interface.
pub fn sipnab(capture: &Path) -> Command {
    let mut command = Command::new("sipnab");
    command.args(["-N", "-I"]).arg(capture);
    command
}

/// Unpacks and throws away.
pub fn gunzip(packed: &Path) -> Command {
    let mut command = Command::new("gzip");
    command.arg("-dc").arg(packed);
    command
}

/// Two runs that are looked at instead of timed: their peak memory, once the report of the first has every record in the ledger. A run
/// that read less is no result.
pub fn checked(input: &Path, feed: Feed<'_>, threads: Option<u32>, packets: u64, scratch: &Path) -> Result<Memory, String> {
    #[derive(serde::Deserialize)]
    struct Report {
        ledger: Ledger,
    }
    #[derive(serde::Deserialize)]
    struct Ledger {
        records: u64,
    }
    let path = scratch.join("report.json");
    let _ = fs::remove_file(&path);
    let peak = measure::peak_anonymous(&mut callpath(input, "json", threads, &path), feed, scratch)?;
    let file = File::open(&path).map_err(|_| "failed: wrote no report".to_owned())?;
    let report: Report = serde_json::from_reader(BufReader::new(file)).map_err(|error| format!("failed: report: {error}"))?;
    let _ = fs::remove_file(&path);
    match report.ledger.records {
        records if records == packets => {}
        records => return Err(format!("failed: {records} records in the ledger")),
    }
    let mut quiet = callpath(input, "terminal", threads, Path::new(NOWHERE));
    let state = measure::peak_anonymous(quiet.arg("-q"), feed, scratch)?;
    Ok(Memory { peak, state })
}
