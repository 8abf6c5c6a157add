//! The command line as data. Letters follow tcpdump and tshark; what they mean is in the help texts, which are the reference.

use crate::engine::budget::LEAST;
use crate::finding::Severity;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

pub use super::{
    judging::Judging,
    lbr::args::Lbr,
    schema::{Schema, SchemaOf},
};

const EXIT_CODES: &str = "\
Exit codes:
  0  inputs read whole, nothing at or above --fail-on
  1  at least one finding at or above --fail-on
  2  usage or configuration error; nothing was analysed
  3  an input could not be read, or not to its end; the report of what was read
     is written all the same. 3 wins over 1";

const ANALYZE_EXAMPLES: &str = "\
Examples:
  callpath analyze call.pcapng
  callpath analyze -t network.toml er-tap.pcapng inet-tap.pcapng
  callpath analyze --format json -o report.json /captures/2026-11-20
  tcpdump -i eth0 -w - port 5061 | callpath analyze -

Exit codes:
  0  inputs read whole, nothing at or above --fail-on
  1  at least one finding at or above --fail-on
  2  usage or configuration error; nothing was analysed
  3  an input could not be read, or not to its end; the report of what was read
     is written all the same. 3 wins over 1";

/// Call flows of packet captures: every call, hop by hop on its network segments, checked against the rules of Microsoft Teams
/// Direct Routing.
#[derive(Debug, Parser)]
#[command(name = "callpath", version, propagate_version = true, after_help = EXIT_CODES, arg_required_else_help = true)]
#[command(max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report calls, hops and broken rules of captures
    ///
    /// All inputs are read as one capture, in order of time: rotated files are continued, and what several taps saw of one call is
    /// joined.
    Analyze(Analyze),
    /// List the rules, a line each
    Rules(Rules),
    /// Show the page of a rule: meaning, causes, remedy, sources
    Explain(Explain),
    /// Tell which place each address belongs to, and why
    Classify(Classify),
    /// Show the path of one call: its legs, its hops, each direction with its segment, and what that rests on
    Path(PathOf),
    /// Decide a hypothetical call by Location-Based Routing, and say why
    ///
    /// Users, gateways and sites are those of the topology. A delegate who calls for somebody else, or whose telephone number rings for
    /// somebody else, is the user of that call: the delegate's policy and place decide.
    Lbr(Lbr),
    /// Check a topology file, or draft one from a capture
    #[command(subcommand)]
    Topology(Topology),
    /// Print the JSON Schema of the report
    Schema(Schema),
}

/// `callpath analyze`.
#[derive(Debug, Clone, Args)]
#[command(after_help = ANALYZE_EXAMPLES, override_usage = "callpath analyze [OPTIONS] <INPUT>...")]
pub struct Analyze {
    /// Capture files (pcap, pcapng, also compressed), directories, globs, or - for standard input
    #[arg(value_name = "INPUT", required_unless_present = "read")]
    pub input: Vec<String>,

    /// The same as INPUT, for tcpdump and tshark hands
    #[arg(short, long, value_name = "INPUT", short_alias = 'I')]
    pub read: Vec<String>,

    /// Topology of your network (TOML): places, links, SBCs. Without it, private addresses are your network
    #[arg(short, long, value_name = "FILE")]
    pub topology: Option<PathBuf>,

    /// Read only packets that match a capture filter, in libpcap's language
    #[arg(short, long, value_name = "BPF")]
    pub filter: Option<String>,

    /// Stop after N records, counted over all inputs
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Which rules are judged, and how
    #[command(flatten)]
    pub judging: Judging,

    /// Lowest severity that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,

    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Terminal)]
    pub format: ReportFormat,

    /// Write the report to FILE instead of standard output, all at once when it is complete
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Threads; as many as processors when not given. The report does not depend on it
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,

    /// Secrets of TLS connections (SSLKEYLOGFILE); those that stand in a pcapng file are found without it. Can be given several times
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,

    /// Memory of its own that the run keeps to: 300M, 2G. What was unseen for longest is let go first, and counted as evicted
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub max_memory: Option<u64>,

    /// Verdict, what was not read, and findings only; no progress bar
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// All evidence and sources, ladders of clean calls, every hop
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// Calls, findings, ladders and hops in the terminal report, the worst first; 0 shows all. Without it 100, of ladders 20, of
    /// hops 30
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Colours in the terminal report; auto honours NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,

    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
}

/// A size in bytes: digits, and K, M, G or T for powers of 1024.
fn memory(text: &str) -> Result<u64, String> {
    let (digits, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let power = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err("write a size like 300M or 2G".to_owned()),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << (10 * power)));
    match bytes.ok_or_else(|| "write a size like 300M or 2G".to_owned())? {
        little if little < LEAST => Err(format!("a run takes {}M whatever it reads: give more", LEAST >> 20)),
        bytes => Ok(bytes),
    }
}

impl Analyze {
    /// All inputs: those of `-r` first, then the positional ones.
    pub fn inputs(&self) -> Vec<String> {
        self.read.iter().chain(&self.input).cloned().collect()
    }

    /// An analysis that answers another question than which rules are broken.
    pub fn unjudged(input: &[String], keylog: &[PathBuf], no_progress: bool) -> Self {
        Self {
            input: input.to_vec(),
            read: Vec::new(),
            topology: None,
            filter: None,
            count: None,
            judging: Judging::default(),
            fail_on: FailOn::Never,
            format: ReportFormat::Terminal,
            output: None,
            threads: None,
            keylog: keylog.to_vec(),
            max_memory: None,
            quiet: false,
            verbose: 0,
            limit: None,
            color: Color::Never,
            no_progress,
        }
    }
}

/// `callpath rules`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  callpath rules\n  callpath rules --format markdown\n  callpath rules --format json | jq -r '.rules[].id'"
)]
pub struct Rules {
    /// Form of the list
    #[arg(long, value_enum, default_value_t = RulesFormat::Terminal)]
    pub format: RulesFormat,

    /// Colours; auto honours NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// `callpath explain`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  callpath explain DR001\n  callpath explain contact-ip")]
pub struct Explain {
    /// DR001, DR001-contact-ip or contact-ip, in any letter case
    pub rule: String,

    /// Form of the page
    #[arg(long, value_enum, default_value_t = ListFormat::Terminal)]
    pub format: ListFormat,

    /// Colours; auto honours NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// `callpath classify`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  callpath classify 52.114.75.24 10.1.5.10\n  callpath classify -t network.toml 198.51.100.4")]
pub struct Classify {
    /// Addresses, IPv4 or IPv6
    #[arg(value_name = "IP", required = true)]
    pub addresses: Vec<IpAddr>,

    /// Topology of your network (TOML)
    #[arg(short, long, value_name = "FILE")]
    pub topology: Option<PathBuf>,

    /// Form of the answer
    #[arg(long, value_enum, default_value_t = ListFormat::Terminal)]
    pub format: ListFormat,

    /// Colours; auto honours NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// `callpath path`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  callpath path -t network.toml er-tap.pcapng inet-tap.pcapng --call 3f9a41c07d2e\n  callpath path call.pcapng --call 3f9a"
)]
pub struct PathOf {
    /// Captures, as 'analyze' takes them
    #[arg(value_name = "INPUT", required = true)]
    pub input: Vec<String>,

    /// The call: its id as reports have it, at least the first 4 digits, or the Call-ID of one of its legs
    #[arg(long, value_name = "ID")]
    pub call: String,

    /// Topology of your network (TOML)
    #[arg(short, long, value_name = "FILE")]
    pub topology: Option<PathBuf>,

    /// Secrets of TLS connections (SSLKEYLOGFILE)
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,

    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
}

/// `callpath topology`.
#[derive(Debug, Clone, Subcommand)]
pub enum Topology {
    /// Tell whether a topology file loads, what it gives, what is doubtful in it and what is missing
    Check(TopologyCheck),
    /// Draft a topology file from what captures show, with what to ask the network team
    Init(Init),
}

/// `callpath topology check`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  callpath topology check network.toml\n\nExit codes:\n  0  it loads\n  2  it does not: file, line and what to write instead"
)]
pub struct TopologyCheck {
    /// The topology file (TOML)
    pub file: PathBuf,

    /// Form of the answer
    #[arg(long, value_enum, default_value_t = ListFormat::Terminal)]
    pub format: ListFormat,
}

/// `callpath topology init`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  callpath topology init --from call.pcapng > network.toml\n  callpath topology init --from er-tap.pcapng inet-tap.pcapng -o network.toml"
)]
pub struct Init {
    /// Captures, as 'analyze' takes them
    #[arg(long, value_name = "CAPTURE", required = true, num_args = 1..)]
    pub from: Vec<String>,

    /// Secrets of TLS connections (SSLKEYLOGFILE): with them names and media of SBCs are found in SIP
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,

    /// Write the draft to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
}

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people: verdict, findings, calls, ladders, hops
    Terminal,
    /// One object, callpath.report/1
    Json,
    /// One call a line, then a line of totals
    Jsonl,
}

/// Form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Terminal,
    /// One object
    Json,
}

/// Form of the list of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RulesFormat {
    /// For people
    Terminal,
    /// One object
    Json,
    /// A table for a wiki or a ticket
    Markdown,
}

/// When to write colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

/// Lowest severity that makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors
    Error,
    /// Warnings and errors
    Warning,
    /// Any finding
    Info,
    /// Nothing
    Never,
}

impl FailOn {
    /// The severity; `None` for never.
    pub fn severity(self) -> Option<Severity> {
        match self {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Info => Some(Severity::Info),
            FailOn::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn analyze(line: &str) -> Result<Analyze, clap::Error> {
        let Cli { command } = Cli::try_parse_from(line.split(' '))?;
        match command {
            Command::Analyze(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn r_and_its_sngrep_alias_are_the_positional_input() {
        let args = analyze("callpath analyze -r a.pcap -I b.pcap c.pcap -").unwrap();
        assert_eq!(args.inputs(), ["a.pcap", "b.pcap", "c.pcap", "-"]);
        assert!(analyze("callpath analyze -r a.pcap").is_ok());
        assert_eq!(analyze("callpath analyze").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn every_letter_of_the_contract_is_taken() {
        let line = "callpath analyze -f udp -c 10 -vv -o r.json --format json -t n.toml -j 2 --fail-on never --select DR001,DR170 \
                    --ignore contact-ip --color never --no-progress a.pcap";
        let args = analyze(line).unwrap();
        assert_eq!((args.filter.as_deref(), args.count, args.verbose, args.threads), (Some("udp"), Some(10), 2, Some(2)));
        assert_eq!((args.format, args.fail_on, args.color), (ReportFormat::Json, FailOn::Never, Color::Never));
        assert_eq!(
            (args.judging.select, args.judging.ignore),
            (vec!["DR001".to_owned(), "DR170".to_owned()], vec!["contact-ip".to_owned()])
        );
        assert!(args.no_progress && !args.quiet);
        assert!(analyze("callpath analyze -q a.pcap").unwrap().quiet);
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in [
            "callpath analyze -c 0 a",
            "callpath analyze -j 0 a",
            "callpath analyze --limit many a",
            "callpath analyze --max-memory 10M a",
            "callpath analyze --max-memory lots a",
            "callpath analyze --max-memory 99999999999T a",
            "callpath analyze --fail-on fatal a",
            "callpath classify 10.0.0",
            "callpath analyze -q -v a",
            "callpath",
        ] {
            assert_eq!(Cli::try_parse_from(line.split(' ')).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn memory_is_given_as_people_write_it() {
        for (text, bytes) in
            [("300M", 300 << 20), ("2G", 2 << 30), ("2GiB", 2 << 30), ("2gb", 2 << 30), ("1048576k", 1 << 30), ("200000000", 200_000_000)]
        {
            assert_eq!(analyze(&format!("callpath analyze --max-memory {text} a")).unwrap().max_memory, Some(bytes), "{text}");
        }
    }

    #[test]
    fn version_is_a_capital_v_everywhere() {
        for line in ["callpath -V", "callpath --version", "callpath analyze -V"] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (clap::error::ErrorKind::DisplayVersion, 0), "{line}");
            assert!(error.to_string().contains(env!("CARGO_PKG_VERSION")), "{line}");
        }
    }

    #[test]
    fn help_shows_examples_and_exit_codes_and_hides_the_alias() {
        let help = Cli::command().find_subcommand_mut("analyze").unwrap().render_long_help().to_string();
        assert!(help.contains("tcpdump -i eth0") && help.contains("3 wins over 1") && !help.contains("-I"), "{help}");
    }
}
