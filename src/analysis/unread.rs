//! Why nobody could read a TLS connection with Microsoft's signalling, in words for the user.

use crate::flow::{
    Connection, Content,
    tls::{Handshake, Keys},
};
use crate::proto::tls::Suite;

/// Why; `None` where it was read, or carried nothing.
pub fn reason(connection: &Connection) -> Option<String> {
    if connection.content != Content::Tls {
        return None;
    }
    let Some(tls) = &connection.tls else { return Some(no_handshake()) };
    if tls.data == [0, 0] && tls.offered.is_some() {
        // It failed before it carried anything, or was opened and closed.
        return None;
    }
    Some(match tls.keys {
        _ if tls.offered.is_none() || tls.chosen.is_none() => no_handshake(),
        Keys::Unread => format!("SIP is encrypted with {}, which is not decrypted", suite(tls)),
        Keys::Wrong => "SIP is encrypted and the key that was given does not open it".to_owned(),
        Keys::Right => "SIP is encrypted, and what was opened of it is no SIP".to_owned(),
        Keys::Missing | Keys::Unasked => "SIP is encrypted and no key was given".to_owned(),
    })
}

fn no_handshake() -> String {
    "SIP is encrypted and its handshake is not in the capture, so that no key can be found".to_owned()
}

fn suite(tls: &Handshake) -> String {
    tls.chosen.as_ref().map_or_else(String::new, |chosen| Suite::name_of(chosen.what.suite))
}

/// What the first note of a report says of `n` connections that could not be read for this reason, where `rules` rules needed them.
pub fn note(reason: &str, n: u64, rules: usize) -> String {
    let connections = if n == 1 { "1 TLS connection".to_owned() } else { format!("{n} TLS connections") };
    let checks = if rules == 1 { "1 rule on SIP was".to_owned() } else { format!("{rules} rules on SIP were") };
    format!("{connections} with Microsoft could not be read: {reason}; {checks} not checked there (see --keylog in the README)")
}
