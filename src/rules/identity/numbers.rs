//! The number in a URI of a call.

use crate::proto::sip::Uri;

/// The user up to its first `;` or `:`, percent-decoded; empty where there is none.
pub fn user(uri: &Uri<'_>) -> String {
    let decoded = uri.user_decoded().unwrap_or_default();
    decoded.split(':').next().unwrap_or_default().to_owned()
}
