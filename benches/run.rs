//! `make bench`: whole runs over generated captures, beside the bare record walk, tcpdump and tshark. `README.md` here tells how
//! to read the table and what can be asked for.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[path = "support/gen.rs"]
mod generator;

#[path = "support/measure.rs"]
mod measure;

#[path = "support/walk.rs"]
mod walk;

use generator::Plan;

const SHAPES: [&str; 5] = ["big", "big2", "wide", "siponly", "small"];
/// The generator's own text is part of a capture's name, so that a changed generator writes anew.
const GENERATOR: [&str; 3] = [include_str!("support/gen.rs"), include_str!("support/script.rs"), include_str!("support/frame.rs")];
/// Size of *big* in MB when nobody asks for another; 2000 is the full shape.
const BIG_MB: u64 = 500;

fn main() -> ExitCode {
    // `cargo test --all-targets` starts benches without this word and wants them to do nothing.
    if !env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let done = Asked::read(env::args().skip(1)).and_then(|asked| bench(&asked).map_err(|error| error.to_string()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line and the environment ask for.
struct Asked {
    shapes: Vec<String>,
    seed: u64,
    vlan: Option<u16>,
    length: u32,
    runs: u32,
    big_mb: u64,
    tshark_everywhere: bool,
}

impl Asked {
    fn read(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let big_mb = env::var("CALLPATH_BENCH_MB").map_or(Ok(BIG_MB), |text| number("CALLPATH_BENCH_MB", &text))?;
        let tshark_everywhere = env::var("CALLPATH_BENCH_TSHARK").is_ok_and(|text| text == "1");
        let shapes = SHAPES.map(str::to_owned).to_vec();
        let mut asked = Self { shapes, seed: 1, vlan: None, length: 1, runs: 3, big_mb, tshark_everywhere };
        let mut args = args.filter(|arg| arg != "--bench");
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("'{flag}' wants a value"))?;
            match flag.as_str() {
                "--only" => asked.shapes = value.split(',').map(str::to_owned).collect(),
                "--seed" => asked.seed = number(&flag, &value)?,
                "--vlan" => asked.vlan = Some(number(&flag, &value)?),
                "--length" => asked.length = number(&flag, &value)?,
                "--runs" => asked.runs = number(&flag, &value)?,
                _ => return Err(format!("'{flag}' is none of --only, --seed, --vlan, --length, --runs")),
            }
        }
        Ok(asked)
    }

    /// The plan of a shape at the size asked for; none is larger than *big*.
    fn plan(&self, shape: &str) -> Option<Plan> {
        let full = Plan::named(shape)?;
        let most = self.big_mb * 1_000_000;
        let bytes = if shape == "big" { Some(most) } else { full.bytes.map(|bytes| bytes.min(most)) };
        Some(Plan { bytes, seed: self.seed, vlan: self.vlan.or(full.vlan), length: self.length, ..full })
    }
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{name}' wants a number, not '{text}'"))
}

fn bench(asked: &Asked) -> io::Result<()> {
    let mut out = io::stdout();
    let scratch = scratch()?;
    writeln!(out, "{}\n\n{}", machine(), Row::HEAD)?;
    for shape in &asked.shapes {
        let plan = asked.plan(shape).ok_or_else(|| io::Error::other(format!("'{shape}' is none of {}", SHAPES.join(", "))))?;
        let capture = capture(&scratch, shape, &plan)?;
        for row in rows(asked, shape, &capture, &scratch)? {
            writeln!(out, "{row}")?;
        }
    }
    Ok(())
}

/// `target/bench`, wherever cargo was told to build.
fn scratch() -> io::Result<PathBuf> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    fs::create_dir_all(&scratch)?;
    Ok(scratch)
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {threads} threads, {} {}", env::consts::OS, env::consts::ARCH)
}

/// The capture of a plan, written if it is not there yet; beside it, what is in it.
fn capture(scratch: &Path, shape: &str, plan: &Plan) -> io::Result<PathBuf> {
    let bytes = plan.bytes.unwrap_or_default();
    let vlan = plan.vlan.map_or(String::new(), |vlan| format!("-vlan{vlan}"));
    let name = format!("{shape}-{}MB-x{}-seed{}{vlan}-{:08x}", bytes / 1_000_000, plan.length, plan.seed, fingerprint());
    let path = scratch.join(format!("{name}.pcap"));
    if !path.exists() {
        let part = scratch.join(format!("{name}.part"));
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
        let truth = generator::write(plan, &mut file)?;
        file.into_inner()?.sync_all()?;
        let streams: Vec<String> = truth.streams.iter().map(ToString::to_string).collect();
        fs::write(scratch.join(format!("{name}.truth")), format!("{truth}\n{}\n", streams.join("\n")))?;
        fs::rename(part, &path)?;
    }
    Ok(path)
}

/// FNV-1a of the generator's text.
fn fingerprint() -> u32 {
    GENERATOR.iter().flat_map(|text| text.bytes()).fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

struct Row {
    shape: String,
    packets: u64,
    tool: &'static str,
    seconds: Result<f64, String>,
    tcpdump: Option<f64>,
    peak: Option<u64>,
}

impl Row {
    const HEAD: &str = "| shape | packets | tool | seconds | ns/packet | packets/s | × tcpdump | peak anonymous MB |\n\
                        | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |";
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shape, packets, tool, .. } = self;
        let packets_f = *packets as f64;
        match &self.seconds {
            Ok(s) => {
                let ratio = self.tcpdump.map_or("-".to_owned(), |tcpdump| format!("{:.2}", s / tcpdump));
                let peak = self.peak.map_or("-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6));
                write!(
                    f,
                    "| {shape} | {packets} | {tool} | {s:.3} | {:.1} | {:.0} | {ratio} | {peak} |",
                    s * 1e9 / packets_f,
                    packets_f / s
                )
            }
            Err(problem) => write!(f, "| {shape} | {packets} | {tool} | {problem} | - | - | - | - |"),
        }
    }
}

fn rows(asked: &Asked, shape: &str, capture: &Path, scratch: &Path) -> io::Result<Vec<Row>> {
    let (packets, mut walked) = walk::walk(capture)?;
    for _ in 1..asked.runs {
        walked = walked.min(walk::walk(capture)?.1);
    }
    let tcpdump = best(asked.runs, scratch, || tcpdump(capture));
    let ratio_to = tcpdump.as_ref().ok().copied();
    let row = |tool, seconds, peak| Row { shape: shape.to_owned(), packets, tool, seconds, tcpdump: ratio_to, peak };
    let mut rows = vec![row("bare record walk", Ok(walked.as_secs_f64()), None), row("tcpdump -w /dev/null", tcpdump, None)];
    for (tool, threads) in [("callpath", None), ("callpath -j1", Some("-j1"))] {
        let (seconds, peak) = match checked(capture, threads, packets, scratch) {
            Ok(peak) => (best(asked.runs, scratch, || callpath(capture, threads, Path::new("/dev/null"))), peak),
            Err(problem) => (Err(problem), None),
        };
        rows.push(row(tool, seconds, peak));
    }
    if shape == "small" || asked.tshark_everywhere {
        rows.push(row("tshark -z rtp,streams -z sip,stat", measure::seconds(&mut tshark(capture), scratch), None));
    }
    Ok(rows)
}

/// The fastest of `runs`: what slows a run down is the machine, never the program.
fn best(runs: u32, scratch: &Path, command: impl Fn() -> Command) -> Result<f64, String> {
    let first = measure::seconds(&mut command(), scratch)?;
    (1..runs).try_fold(first, |best, _| Ok(measure::seconds(&mut command(), scratch)?.min(best)))
}

/// One run that is looked at instead of timed: its peak memory, once its report has every record in the ledger. A run that read
/// less is no result.
fn checked(capture: &Path, threads: Option<&str>, packets: u64, scratch: &Path) -> Result<Option<u64>, String> {
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
    let peak = measure::peak_anonymous(&mut callpath(capture, threads, &path), scratch)?;
    let file = File::open(&path).map_err(|_| "failed: wrote no report".to_owned())?;
    let report: Report = serde_json::from_reader(BufReader::new(file)).map_err(|error| format!("failed: report: {error}"))?;
    let _ = fs::remove_file(&path);
    match report.ledger.records {
        records if records == packets => Ok(peak),
        records => Err(format!("failed: {records} records in the ledger")),
    }
}

fn callpath(capture: &Path, threads: Option<&str>, report: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callpath"));
    command.arg("analyze").arg(capture).args(["--format", "json", "--no-progress", "-o"]).arg(report).args(threads);
    command
}

fn tcpdump(capture: &Path) -> Command {
    let mut command = Command::new("tcpdump");
    command.arg("-r").arg(capture).args(["-w", "/dev/null"]);
    command
}

fn tshark(capture: &Path) -> Command {
    let mut command = Command::new("tshark");
    command.args(["-n", "-q", "-z", "rtp,streams", "-z", "sip,stat", "-r"]).arg(capture);
    command
}
