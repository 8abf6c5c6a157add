//! What a ladder's calls remember from line to line: tags, CSeq numbers, contacts, routes and open transactions (RFC 3261 12, 17).

use std::collections::BTreeMap;

/// One Call-ID of a ladder.
#[derive(Debug, Default)]
pub struct Call {
    /// What its tags, branches and Call-ID are made from: the same for every run, another for every call.
    pub seed: String,
    /// Call-ID.
    pub id: String,
    /// Who sent its first request.
    pub caller: String,
    /// From or To value of each party, without tag.
    pub uris: BTreeMap<String, String>,
    /// Contact URI of each party, as last said.
    pub contacts: BTreeMap<String, String>,
    /// Tags of the parties in a dialog.
    pub tags: BTreeMap<String, String>,
    /// Record-Route values of the dialog, as the callee saw them.
    pub routes: Vec<String>,
    /// A 2xx was seen.
    pub confirmed: bool,
    /// Transactions in order of their requests, ACK left out.
    pub transactions: Vec<Transaction>,
    /// Each party's last description and its version.
    pub described: BTreeMap<String, (String, u32)>,
    n_requests: u32,
}

/// A request and what its responses copy from it (RFC 3261 section 8.2.6).
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Method.
    pub method: String,
    /// CSeq number.
    pub cseq: u32,
    /// Who sent it.
    pub client: String,
    /// Top branch.
    pub branch: String,
    /// Request-URI.
    pub uri: String,
    /// Via, From, Call-ID, CSeq, Record-Route as sent, To last.
    pub copied: Vec<(String, String)>,
    /// To of the last response.
    pub to: String,
    /// Status of the last response, 0 before.
    pub status: u16,
    /// The request carried a description.
    pub offered: bool,
}

impl Transaction {
    /// A transaction not answered yet.
    pub fn new(method: &str, cseq: u32, client: &str) -> Self {
        let none = String::new;
        let (method, client) = (method.to_owned(), client.to_owned());
        Self { method, cseq, client, branch: none(), uri: none(), copied: Vec::new(), to: none(), status: 0, offered: false }
    }
}

/// A hash that is the same everywhere and always (FNV-1a, 64 bits).
pub fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Call {
    /// The tag that `party` uses.
    pub fn tag(&self, party: &str) -> String {
        self.tags.get(party).cloned().unwrap_or_else(|| self.own_tag(party))
    }

    /// The tag of one of `party`'s forks; without a name, the one that it uses.
    pub fn fork(&self, party: &str, name: &str) -> String {
        if name.is_empty() { self.tag(party) } else { format!("{}{name}", self.own_tag(party)) }
    }

    fn own_tag(&self, party: &str) -> String {
        format!("{:08x}", hash(&["tag", &self.seed, party]) >> 32)
    }

    /// The next CSeq number of `party`.
    pub fn next_cseq(&self, party: &str) -> u32 {
        self.transactions.iter().filter(|t| t.client == party).map(|t| t.cseq).max().unwrap_or(0) + 1
    }

    /// A branch that no request of this ladder had before.
    pub fn branch(&mut self, party: &str) -> String {
        self.n_requests += 1;
        format!("z9hG4bK{:012x}", hash(&["branch", &self.seed, party, &self.n_requests.to_string()]) >> 16)
    }

    /// The INVITE that an ACK or CANCEL of `client` belongs to.
    pub fn invite_of(&self, client: &str) -> Option<&Transaction> {
        self.transactions.iter().rev().find(|t| t.client == client && t.method == "INVITE")
    }

    /// The transaction that a response to `client` answers: the newest that is open, else the newest.
    pub fn answered_by(&mut self, client: &str, method: Option<&str>) -> Option<&mut Transaction> {
        let fits = |t: &Transaction| t.client == client && method.is_none_or(|m| t.method == m);
        let open = self.transactions.iter().rposition(|t| fits(t) && t.status < 200);
        let index = open.or_else(|| self.transactions.iter().rposition(fits))?;
        self.transactions.get_mut(index)
    }

    /// Takes note of a response to a request that can open a dialog (RFC 3261 section 12.1).
    pub fn answered(&mut self, method: &str, (client, server): (&str, &str), tag: &str, status: u16, routes: Vec<String>) {
        if !["INVITE", "SUBSCRIBE", "REFER"].contains(&method) {
            return;
        }
        match status {
            101..=299 => {
                if !self.confirmed {
                    self.tags.insert(server.to_owned(), tag.to_owned());
                    self.tags.insert(client.to_owned(), self.tag(client));
                    self.routes = routes;
                }
                self.confirmed |= status >= 200;
            }
            300.. if !self.confirmed => self.tags.clear(),
            _ => {}
        }
    }

    /// The route set as `party` uses it: the caller's is reversed (RFC 3261 section 12.1.2).
    pub fn routes_of(&self, party: &str) -> Vec<String> {
        let mut routes = self.routes.clone();
        if party == self.caller {
            routes.reverse();
        }
        routes
    }

    /// Version of `party`'s description: one more than before when it changed.
    pub fn version(&mut self, party: &str, description: String) -> u32 {
        let known = self.described.entry(party.to_owned()).or_insert_with(|| (description.clone(), 1));
        if known.0 != description {
            *known = (description, known.1 + 1);
        }
        known.1
    }
}

#[test]
fn a_description_gets_a_new_version_only_when_it_changes() {
    let mut call = Call::default();
    let versions = ["a", "a", "b", "b"].map(|text| call.version("sbc", text.to_owned()));
    assert_eq!(versions, [1, 1, 2, 2]);
}

#[test]
fn a_refused_invite_leaves_no_dialog() {
    let mut call = Call { caller: "sbc".to_owned(), ..Call::default() };
    call.answered("INVITE", ("sbc", "ms"), "x", 183, vec!["<sip:a;lr>".to_owned(), "<sip:b;lr>".to_owned()]);
    assert_eq!((call.tag("ms").as_str(), call.routes_of("sbc")[0].as_str()), ("x", "<sip:b;lr>"));
    call.answered("INVITE", ("sbc", "ms"), "x", 486, Vec::new());
    assert_ne!(call.tag("ms"), "x");
}
