//! `make bench`: whole runs over generated captures, beside the bare record walk, tcpdump and peers. `README.md` here tells how to read
//! the table and what can be asked for.

#[path = "support/bench.rs"]
mod bench;

fn main() -> std::process::ExitCode {
    bench::main("run")
}
