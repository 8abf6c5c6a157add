//! callpath reads packet captures and tells who talked to whom, over which network segment in each direction, and which
//! rules of Microsoft Teams Direct Routing were broken.

pub mod error;

pub mod time;

pub mod hash;

pub mod ledger;

pub mod input;

pub mod record;

pub mod decode;

pub mod proto;

pub mod flow;

pub mod engine;

pub mod topology;

pub mod call;

pub mod path;

pub mod finding;

pub mod rules;

pub mod report;

pub mod analysis;

pub mod cli;
