//! Exit codes, and which one a run ends with.

use super::args::FailOn;
use crate::error::Error;
use crate::finding::Severity;
use crate::report::{BySeverity, Summary};
use std::io::ErrorKind;
use std::process::ExitCode;

/// How a run ends; the numbers are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Inputs read whole, nothing at or above `--fail-on`.
    Clean = 0,
    /// A finding at or above `--fail-on`.
    Findings = 1,
    /// Usage or configuration error; nothing was analysed, or the report could not be written.
    Usage = 2,
    /// An input could not be read, or not to its end.
    Incomplete = 3,
}

impl Exit {
    /// The code of a finished analysis. Incomplete inputs win over findings and do not depend on `fail_on`.
    pub fn of(summary: &Summary, fail_on: FailOn) -> Self {
        if summary.inputs.iter().any(|input| input.problem.is_some()) {
            return Exit::Incomplete;
        }
        let counts = &summary.totals.findings;
        match fail_on.severity() {
            Some(severity) if at_or_above(counts, severity) > 0 => Exit::Findings,
            _ => Exit::Clean,
        }
    }

    /// The code of a run that an error ended. A reader that closed the pipe has seen enough: that is no error.
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::Input(_) => Exit::Incomplete,
            Error::Output(cause) if cause.kind() == ErrorKind::BrokenPipe => Exit::Clean,
            Error::Usage(_) | Error::File { .. } | Error::State(_) | Error::Output(_) => Exit::Usage,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

fn at_or_above(counts: &BySeverity, severity: Severity) -> u64 {
    [(Severity::Error, counts.error), (Severity::Warning, counts.warning), (Severity::Info, counts.info)]
        .iter()
        .filter(|(of, _)| *of >= severity)
        .map(|(_, n)| n)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::InputEntry;

    fn summary(error: u64, warning: u64, problem: Option<&str>) -> Summary {
        let mut summary = Summary::default();
        summary.totals.findings = BySeverity { error, warning, info: 0 };
        summary.inputs.push(InputEntry { problem: problem.map(str::to_owned), ..InputEntry::default() });
        summary
    }

    #[test]
    fn findings_count_from_fail_on_upwards() {
        let of = |error, warning, fail_on| Exit::of(&summary(error, warning, None), fail_on);
        assert_eq!(of(1, 0, FailOn::Error), Exit::Findings);
        assert_eq!(of(0, 1, FailOn::Error), Exit::Clean);
        assert_eq!(of(0, 1, FailOn::Warning), Exit::Findings);
        assert_eq!(of(1, 1, FailOn::Never), Exit::Clean);
        assert_eq!(of(1, 0, FailOn::Info), Exit::Findings);
    }

    #[test]
    fn an_incomplete_input_wins_whatever_fail_on_says() {
        for fail_on in [FailOn::Error, FailOn::Never] {
            assert_eq!(Exit::of(&summary(1, 0, Some("ends inside record 4")), fail_on), Exit::Incomplete);
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is() {
        let of = |kind: ErrorKind| Exit::of_error(&Error::Output(kind.into()));
        assert_eq!((of(ErrorKind::BrokenPipe), of(ErrorKind::StorageFull)), (Exit::Clean, Exit::Usage));
        assert_eq!(Exit::of_error(&Error::Input("no capture".to_owned())), Exit::Incomplete);
    }
}
