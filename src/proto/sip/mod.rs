//! SIP (RFC 3261) read as it is on the wire: a scanner that indexes every message and rejects none that it can index, a view
//! over text and index, tolerant readers of URIs and addresses, and `rsip` as the strict second opinion on single values.
//!
//! Text may hold any bytes, so values are `&[u8]`; [`lossy`] makes them text for people.
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod body;
mod frame;
mod header;
mod method;
mod name_addr;
mod scan;
mod start;
pub mod typed;
mod uri;
mod value;
mod via;
mod view;
mod words;

#[cfg(test)]
mod variations;
#[cfg(test)]
pub(crate) use variations::mutate;

pub use frame::{Framing, MAX_BODY, MAX_HEAD, frame};
pub use header::HeaderName;
pub use method::Method;
pub use name_addr::{Brackets, NameAddr};
pub use scan::{Header, HeaderIndex, Span, scan, whole};
pub use start::{StartLine, may_go_on, probe, reason, resume};
pub use typed::{TypedAddress, TypedCSeq, TypedHost, TypedScheme, TypedUri, TypedVia};
pub use uri::{Host, Scheme, Uri, percent_decode};
pub use value::{Params, lossy, trim, unfold};
pub use via::{Via, transport as via_transport};
pub use view::Sip;
