//! What paths are expected: the rows of `rules/call-flows.toml`, the principles behind them, and a call compared with the rows it may
//! be of.
//!
//! [`matrix`] holds the data; [`compare`] holds legs that were seen against one row; [`of_call`] finds the rows that a call may be of. A
//! capture at the SBC often cannot tell rows apart: then the answer is all of them.

mod compare;
mod internet_only;
mod observed;
mod principles;
mod rows;
mod teams;

pub use compare::{Compared, Comparison, Observed, Setting, Verdict, compare};
pub use internet_only::{Destination, internet_only, is_internet_only};
pub use observed::{Profile, Scenario, of_call};
pub use principles::{
    Conference, ConferenceJoin, ConferenceLeg, Judgement, PathRole, PeerToPeer, Registration, p1_place_of_conference,
    p2_media_to_one_place, p3_direct_where_possible, p4_signalling_to_home, p5_edge_of_online_conference, p6_edges_of_onprem_conference,
};
pub use rows::{
    Deployment, Deviation, Diagram, DiagramLeg, Endpoint, Homed, InternetClass, InternetOnly, Kind, Matrix, Note, Passed, Row, RowLeg,
    matrix, row,
};

#[cfg(test)]
mod tests;
