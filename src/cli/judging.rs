//! What rules are judged and how: `--select`, `--ignore`, `--config`, `--profile`.

use super::explain;
use super::rules::RuleLine;
use crate::config::{Choice, Config, named};
use crate::error::Error;
use crate::path::scenario::Profile;
use crate::rules::{RULES, Rule};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The options.
#[derive(Debug, Clone, Default, Args)]
pub struct Judging {
    /// Judge only these rules: ids, beginnings of ids, families (DR001,DR17,identity). The command line goes before callpath.toml
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,

    /// Do not judge these rules; wins over --select
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,

    /// What the site has decided of the rules: choice, severities, waivers. Without it, callpath.toml beside the topology
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// What the clients of the organisation are: which rows of the call flows media is held against
    #[arg(long, value_enum, default_value_t = Clients::Teams)]
    pub profile: Clients,
}

/// What clients are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Clients {
    /// Microsoft Teams
    #[default]
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

impl Judging {
    /// The rules to judge, in the order of the catalogue: those of the command line, else of the configuration.
    pub fn rules(&self, config: &Config, catalogue: &[RuleLine<'_>]) -> Result<Vec<&'static Rule>, Error> {
        for name in self.select.iter().chain(&self.ignore) {
            if named(name).is_err() {
                explain::find(catalogue, name)?;
            }
        }
        let choice = Choice { select: self.select.clone(), ignore: self.ignore.clone() }.or(&config.choice);
        choice.check().map_err(|(_, why)| Error::Usage(why))?;
        Ok(RULES.iter().copied().filter(|rule| choice.takes(rule)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::pipeline::catalogue;
    use super::*;

    fn rules(select: &[&str], ignore: &[&str], config: &str) -> Result<Vec<&'static str>, String> {
        let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let judging = Judging { select: own(select), ignore: own(ignore), ..Judging::default() };
        let chosen = judging.rules(&Config::parse(config, "callpath.toml").unwrap(), &catalogue());
        chosen.map(|rules| rules.iter().map(|rule| &rule.id[..5]).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        assert_eq!(rules(&[], &[], "").unwrap().len(), RULES.len());
        assert_eq!(rules(&[], &[], "select = ['DR012', 'DR170']").unwrap(), ["DR012", "DR170"]);
        assert_eq!(rules(&["DR013"], &[], "select = ['DR012']").unwrap(), ["DR013"]);
        assert_eq!(
            rules(&["DR012", "contact-ip"], &["dr001"], "").unwrap_err(),
            "'contact-ip' is selected, and 'ignore' leaves nothing of it (dr001): remove one of the two"
        );
    }

    #[test]
    fn a_name_of_nothing_gets_the_nearest() {
        assert!(rules(&["DR999"], &[], "").unwrap_err().starts_with("no rule 'DR999': nearest are "));
        assert!(rules(&[], &["identities"], "").unwrap_err().starts_with("no rule 'identities': nearest are "));
    }
}
