//! Local Media Optimization (section J of the catalogue), and what its rules share.

use crate::call::LegMessage;
use crate::finding::Violation;
use crate::proto::sip::lossy;
use crate::rules::Ctx;

pub mod dr190_lmo_headers_missing;
pub mod dr191_lmo_mediapath_last;
pub mod dr192_lmo_site_case;
pub mod dr193_lmo_not_local;
pub mod dr194_lmo_external_private;
pub mod dr195_lmo_record_route;
pub mod dr196_lmo_path_mode;
pub mod dr197_lmo_vpn;

/// Why nothing is said of a message that is not whole.
const CUT: &str = "message is cut by the snap length";

/// A violation of `rule` that the settings of a gateway are to blame for; `line` of Microsoft's message shows it.
fn by_settings(
    rule: &super::Rule,
    ctx: &Ctx<'_>,
    message: &LegMessage,
    gateway: &str,
    value: String,
    text: String,
    line: &str,
) -> Violation {
    Violation { severity: rule.severity, subject: gateway.to_owned(), value, message: text, evidence: ctx.proof(message, line) }
}

/// The message's start line.
fn start_line(message: &LegMessage) -> String {
    lossy(message.sip().start_line()).into_owned()
}
