//! What the command line and the environment ask of a bench, and what it runs on.

use std::env;
use std::fs;

/// Shapes of a run where nobody names others.
const USUAL: [&str; 6] = ["big", "big2", "wide", "siponly", "drsip", "small"];
/// Size of *big* in MB when nobody asks for another; 2000 is the full shape.
const BIG_MB: u64 = 500;
/// Size of one step of `--table scaling` in MB.
const STEP_MB: u64 = 200;

/// What is asked for.
pub struct Asked {
    /// `run`, `peers`, `scaling` or `hostile`.
    pub table: String,
    /// Shapes to run, in order.
    pub shapes: Vec<String>,
    /// Seed of the dice.
    pub seed: u64,
    /// An 802.1Q tag on every frame.
    pub vlan: Option<u16>,
    /// So many times as long, with as many calls at a time.
    pub length: u32,
    /// Timed runs of everything.
    pub runs: u32,
    /// Size of *big* in MB; no capture is larger.
    pub big_mb: u64,
    /// Size of *big* in `--table scaling`, at single length.
    pub step_mb: u64,
    /// tshark on every shape, not on *small* alone.
    pub tshark_everywhere: bool,
}

impl Asked {
    /// Reads the arguments. Fails with a line for the user.
    pub fn read(table: &str, args: &[String]) -> Result<Self, String> {
        let mut asked = Self {
            table: table.to_owned(),
            shapes: USUAL.map(str::to_owned).to_vec(),
            seed: 1,
            vlan: None,
            length: 1,
            runs: 3,
            big_mb: variable("CALLPATH_BENCH_MB", BIG_MB)?,
            step_mb: variable("CALLPATH_BENCH_STEP_MB", STEP_MB)?,
            tshark_everywhere: env::var("CALLPATH_BENCH_TSHARK").is_ok_and(|text| text == "1"),
        };
        let mut args = args.iter().filter(|arg| *arg != "--bench");
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("'{flag}' wants a value"))?;
            match flag.as_str() {
                "--table" => asked.table.clone_from(value),
                "--only" => asked.shapes = value.split(',').map(str::to_owned).collect(),
                "--seed" => asked.seed = number(flag, value)?,
                "--vlan" => asked.vlan = Some(number(flag, value)?),
                "--length" => asked.length = number(flag, value)?,
                "--runs" => asked.runs = number::<u32>(flag, value)?.max(1),
                _ => return Err(format!("'{flag}' is none of --table, --only, --seed, --vlan, --length, --runs")),
            }
        }
        Ok(asked)
    }
}

fn variable(name: &str, usual: u64) -> Result<u64, String> {
    env::var(name).map_or(Ok(usual), |text| number(name, &text))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{name}' wants a number, not '{text}'"))
}

/// Processor, threads and system, for the line above a table.
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {threads} threads, {} {}", env::consts::OS, env::consts::ARCH)
}
