//! `--profile`: what the clients of the organisation are.

use crate::path::scenario::Profile;
use clap::ValueEnum;

/// What clients are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clients {
    /// Microsoft Teams
    Teams,
    /// Skype for Business: media of clients without signalling is of a row too
    SkypeForBusiness,
}

impl From<Clients> for Profile {
    fn from(clients: Clients) -> Self {
        match clients {
            Clients::Teams => Profile::Teams,
            Clients::SkypeForBusiness => Profile::SkypeForBusiness,
        }
    }
}
