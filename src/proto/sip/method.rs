//! The methods of SIP requests.

use serde::{Deserialize, Serialize};

macro_rules! methods {
    ($($name:ident $text:literal $what:literal,)*) => {
        /// A request method. Methods are case-sensitive (RFC 3261 section 7.1): `invite` is `Other`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Method {
            $(#[doc = $what] $name,)*
            /// An extension method, or none at all; [`super::Sip::method_text`] has its text.
            Other,
        }

        impl Method {
            /// All of them, in order of declaration.
            pub const ALL: [Self; Self::Other as usize + 1] = [$(Self::$name,)* Self::Other];

            /// The method that `text` names, `Other` when no RFC below names it.
            pub fn of(text: &[u8]) -> Self {
                $(if text == $text.as_bytes() { return Self::$name; })*
                Self::Other
            }

            /// The method as it stands in a message; `OTHER` for an extension method.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other => "OTHER",
                }
            }
        }
    };
}

methods! {
    Invite "INVITE" "RFC 3261 section 13",
    Ack "ACK" "RFC 3261 section 13",
    Bye "BYE" "RFC 3261 section 15",
    Cancel "CANCEL" "RFC 3261 section 9",
    Options "OPTIONS" "RFC 3261 section 11",
    Register "REGISTER" "RFC 3261 section 10",
    Prack "PRACK" "RFC 3262",
    Update "UPDATE" "RFC 3311",
    Info "INFO" "RFC 6086",
    Refer "REFER" "RFC 3515",
    Subscribe "SUBSCRIBE" "RFC 6665",
    Notify "NOTIFY" "RFC 6665",
    Publish "PUBLISH" "RFC 3903",
    Message "MESSAGE" "RFC 3428",
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive() {
        assert_eq!(Method::of(b"INVITE"), Method::Invite);
        assert_eq!(Method::of(b"Invite"), Method::Other);
        assert_eq!(Method::of(b"PRACK").to_string(), "PRACK");
    }
}
