//! What a decision says, and why.

use crate::topology::Edition;
use std::fmt;

/// What Location-Based Routing does with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The call may be set up.
    Allow {
        /// Gateways that may carry it, in the order of the policy; none where no gateway is part of the question.
        via: Vec<String>,
    },
    /// The endpoint rings.
    Deliver {
        /// The gateway that the call came through.
        via: Vec<String>,
    },
    /// The endpoint does not ring: the user's settings for unanswered calls apply, voicemail mostly; without any, the call ends.
    UnansweredForwarding,
    /// The call is refused.
    Deny,
    /// Location-Based Routing does not look at such calls.
    NotEnforced,
    /// It cannot be told.
    Unknown(Missing),
}

impl Ruling {
    /// Its name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allow { .. } => "allow",
            Self::Deliver { .. } => "deliver",
            Self::UnansweredForwarding => "unanswered_forwarding",
            Self::Deny => "deny",
            Self::NotEnforced => "not_enforced",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Gateways that may carry the call; empty where it may not be set up.
    pub fn via(&self) -> &[String] {
        match self {
            Self::Allow { via } | Self::Deliver { via } => via,
            _ => &[],
        }
    }

    pub(super) fn allow(name: &str) -> Self {
        Self::Allow { via: vec![name.to_owned()] }
    }
}

/// The decision in one line.
impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow { via } if via.is_empty() => f.write_str("allow"),
            Self::Allow { via } => write!(f, "allow via {}", via.join(", ")),
            Self::Deliver { via } => write!(f, "deliver via {}", via.join(", ")),
            Self::Unknown(missing) => write!(f, "unknown: {missing}"),
            other => f.write_str(other.name()),
        }
    }
}

/// What keeps a call from being decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Nobody can tell where this user's endpoint is.
    Location(String),
    /// This gateway is enabled for some of its sites only, and the question names none of them.
    MixedGateway(String),
    /// The general rule of 2023 and a row of the tables say different things.
    RuleAgainstTable,
    /// The wording says nothing of such a call.
    Unsaid,
    /// The client is one for which Microsoft promises nothing.
    Client,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Location(whose) => write!(f, "where the endpoint of {whose} is"),
            Self::MixedGateway(name) => write!(f, "{name} is enabled for some of its sites only"),
            Self::RuleAgainstTable => f.write_str("the general rule and the table contradict each other"),
            Self::Unsaid => f.write_str("the wording says nothing of such a call"),
            Self::Client => f.write_str("the client does not support Location-Based Routing"),
        }
    }
}

/// A gateway and what was found about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// Its name.
    pub name: String,
    /// Whether it may carry the call.
    pub fits: Fits,
    /// Why, without a final stop.
    pub why: String,
}

/// Whether something holds, as far as the facts tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fits {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// A fact is missing.
    Unknown(Missing),
}

impl From<bool> for Fits {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// A decision with everything it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is decided.
    pub ruling: Ruling,
    /// Sentences, each with the wording it follows, in the order of thought.
    pub reasoning: Vec<String>,
    /// The gateways that were weighed, in the order given.
    pub gateways: Vec<Weighed>,
}

/// A decision in the making: sentences and gateways gathered on the way to a ruling.
#[derive(Debug)]
pub(super) struct Thought {
    edition: Edition,
    reasoning: Vec<String>,
    gateways: Vec<Weighed>,
}

impl Thought {
    pub fn new(edition: Edition) -> Self {
        Self { edition, reasoning: Vec::new(), gateways: Vec::new() }
    }

    /// Adds what the wording says in its part on `part`.
    pub fn says(&mut self, part: &str, text: impl fmt::Display) {
        self.reasoning.push(format!("Wording of {}, {part}: {text}.", self.edition));
    }

    /// Adds what follows for this call.
    pub fn so(&mut self, text: impl fmt::Display) {
        self.reasoning.push(format!("{text}."));
    }

    pub fn weigh(&mut self, name: &str, fits: Fits, why: String) {
        self.gateways.push(Weighed { name: name.to_owned(), fits, why });
    }

    /// The call may use the gateways that fit, if there are any. One that may fit makes the answer unknown.
    pub fn allow_those_that_fit(mut self) -> Decision {
        let missing = self.gateways.iter().find_map(|gateway| match &gateway.fits {
            Fits::Unknown(missing) => Some(missing.clone()),
            _ => None,
        });
        if let Some(missing) = missing {
            return self.ends(Ruling::Unknown(missing));
        }
        let via: Vec<String> =
            self.gateways.iter().filter(|gateway| gateway.fits == Fits::Yes).map(|gateway| gateway.name.clone()).collect();
        if via.is_empty() {
            self.so("No gateway of the voice routing policy is left, so the call is refused");
            return self.ends(Ruling::Deny);
        }
        self.ends(Ruling::Allow { via })
    }

    pub fn ends(self, ruling: Ruling) -> Decision {
        Decision { ruling, reasoning: self.reasoning, gateways: self.gateways }
    }
}
