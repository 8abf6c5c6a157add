//! `make bench-peers`: other tools that read SIP and RTP, on a capture that the slowest gets through.

#[path = "support/bench.rs"]
mod bench;

fn main() -> std::process::ExitCode {
    bench::main("peers")
}
