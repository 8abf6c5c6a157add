//! Going along a leg: its messages between the SBC and Microsoft, and one outcome of what was found on the way.

use super::Ctx;
use crate::call::{Leg, LegMessage};
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Sip, lossy};

/// Why a message is passed over.
pub const CUT: &str = "message is cut by the snap length";

/// The messages between the SBC and Microsoft, each once; on other hops of the leg other rules hold. Nothing where the leg is not Direct
/// Routing.
pub fn with_microsoft<'l>(leg: &'l Leg, ctx: &Ctx<'l>) -> impl Iterator<Item = &'l LegMessage> {
    let (ctx, direct) = (*ctx, ctx.leg.is_some_and(|(_, recognition)| recognition.is_direct_routing()));
    let once = leg.messages.iter().filter(move |message| direct && !message.retransmission);
    once.filter(move |message| ctx.to_microsoft(message) || ctx.from_microsoft(message))
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Violations.
    pub violations: Vec<Violation>,
    /// Something was judged, and is as it should be.
    pub clean: bool,
    /// The first reason why something could not be judged.
    lack: Option<String>,
}

impl Found {
    /// Something could not be judged.
    pub fn lacks(&mut self, why: impl Into<String>) {
        self.lack.get_or_insert_with(|| why.into());
    }

    /// The outcome: what could not be judged is never clean.
    pub fn outcome(self) -> Outcome {
        match (self.violations.is_empty(), self.lack, self.clean) {
            (false, ..) => Outcome::Violated(self.violations),
            (true, Some(why), _) => Outcome::NotChecked(why),
            (true, None, true) => Outcome::Clean,
            (true, None, false) => Outcome::NotApplicable,
        }
    }
}

/// One level lower where the service took the message (catalogue section 4).
pub fn lowered(severity: Severity, message: &LegMessage, ctx: &Ctx<'_>) -> Severity {
    if ctx.is_accepted(message) { severity.lower() } else { severity }
}

/// The first line of this kind, as evidence quotes it.
pub fn line(sip: &Sip<'_>, name: HeaderName) -> String {
    match sip.first(name) {
        Some(value) => format!("{name}: {}", lossy(&value)),
        None => format!("no {name}"),
    }
}
