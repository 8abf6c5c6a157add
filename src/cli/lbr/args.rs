//! Options of `callpath lbr`.

use super::super::args::{Color, ListFormat};
use crate::topology::{Edition, Word};
use clap::{ArgGroup, Args};
use std::net::IpAddr;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  callpath lbr -t net.toml --outbound --user +84455555555 --at 192.168.1.20 --external 198.51.100.3
  callpath lbr -t net.toml --inbound --gateway VNsbc.contoso.com --user +84455555555 \\
      --at 192.168.1.20 --external 198.51.100.3
  callpath lbr -t net.toml --transfer --gateway VNsbc.contoso.com --user +84455555555 \\
      --at 192.168.1.20 --external 198.51.100.3 --to-user +84466666666 --to-at 10.7.0.9
  callpath lbr -t net.toml --forward --user +84455555555 --to-pstn --from-user +84466666666 \\
      --from-at 10.7.0.9 --from-external 198.51.100.3

The exit code is 0 whatever is decided, 2 for a name that the topology does not have.";

/// Calls that go on to nobody.
const ALONE: [&str; 6] = ["outbound", "inbound", "voice_app", "conference", "park", "skype"];

/// `callpath lbr`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("call").required(true).args([
    "outbound", "inbound", "transfer", "forward", "simring", "delegate", "voice_app", "conference", "park", "skype",
])))]
#[command(group(ArgGroup::new("target").args(["to_user", "to_pstn"])))]
pub struct Lbr {
    /// Topology of your network (TOML), with its users, gateways and sites
    #[arg(short, long, value_name = "FILE")]
    pub topology: Option<PathBuf>,

    /// The user calls the PSTN
    #[arg(long, requires = "user")]
    pub outbound: bool,

    /// The PSTN calls the user through --gateway
    #[arg(long, requires = "user", requires = "gateway")]
    pub inbound: bool,

    /// The user transfers a call, to --to-user or --to-pstn
    #[arg(long, requires = "user", requires = "target")]
    pub transfer: bool,

    /// The user's calls are forwarded, to --to-user or --to-pstn
    #[arg(long, requires = "user", requires = "target")]
    pub forward: bool,

    /// A call for the user rings elsewhere too, at --to-user or --to-pstn
    #[arg(long, requires = "user", requires = "target")]
    pub simring: bool,

    /// A call of the PSTN for the user rings a delegate, --to-user
    #[arg(long, requires = "user", requires = "gateway", requires = "to_user")]
    pub delegate: bool,

    /// The PSTN calls an auto attendant or call queue through --gateway, which sends the call to --user if one is given
    #[arg(long, requires = "gateway")]
    pub voice_app: bool,

    /// The user makes a conference of a call with the PSTN
    #[arg(long, requires = "user")]
    pub conference: bool,

    /// A call is parked, or taken from there
    #[arg(long)]
    pub park: bool,

    /// A user of Skype for Business calls a user of Teams
    #[arg(long)]
    pub skype: bool,

    /// The user whose call it is, by the number in the topology
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["park", "skype"])]
    pub user: Option<String>,

    /// Addresses of the user's endpoint in its own network, IPv4, IPv6 or both
    #[arg(long, value_name = "IP", value_delimiter = ',', requires = "user", conflicts_with_all = ["park", "skype"])]
    pub at: Vec<IpAddr>,

    /// Address under which the Internet sees that endpoint, and the others' where none is given for them
    #[arg(long, value_name = "IP", requires = "user", conflicts_with_all = ["park", "skype"])]
    pub external: Option<IpAddr>,

    /// The gateway that carries the call with the PSTN
    #[arg(long, value_name = "FQDN", conflicts_with_all = ["outbound", "conference", "park", "skype"])]
    pub gateway: Option<String>,

    /// The user placed the call that is transferred; without it, it was received
    #[arg(long, requires = "gateway", requires = "transfer")]
    pub placed: bool,

    /// The Teams user who is to get the call
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ALONE)]
    pub to_user: Option<String>,

    /// Addresses of that user's endpoint in its own network
    #[arg(long, value_name = "IP", value_delimiter = ',', requires = "to_user")]
    pub to_at: Vec<IpAddr>,

    /// Address under which the Internet sees it
    #[arg(long, value_name = "IP", requires = "to_user")]
    pub to_external: Option<IpAddr>,

    /// A number of the PSTN is to get the call
    #[arg(long, conflicts_with_all = ALONE)]
    pub to_pstn: bool,

    /// The Teams user who stays in the call, where it is not with the PSTN: of a call that was received, the caller
    #[arg(long, value_name = "NUMBER", conflicts_with = "gateway", requires = "to_pstn")]
    pub from_user: Option<String>,

    /// Addresses of that user's endpoint in its own network
    #[arg(long, value_name = "IP", value_delimiter = ',', requires = "from_user")]
    pub from_at: Vec<IpAddr>,

    /// Address under which the Internet sees it
    #[arg(long, value_name = "IP", requires = "from_user")]
    pub from_external: Option<IpAddr>,

    /// Wording of the rules, 2020 or 2023; without it the topology's lbr_edition
    #[arg(long, value_name = "YEAR", value_parser = <Edition as Word>::word)]
    pub edition: Option<Edition>,

    /// Form of the answer
    #[arg(long, value_enum, default_value_t = ListFormat::Terminal)]
    pub format: ListFormat,

    /// Colours; auto honours NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}
