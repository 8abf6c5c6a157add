//! SIP messages one by one: what each is and which dialog and transaction it says it belongs to. Frames differ for TCP, where tshark
//! names that of the last segment, so messages are compared as a multiset.

use super::cases::{Case, Compared, apart, cases, known};
use super::tshark::Sip;
use callpath::engine::{Decoded, Engine, Fact, Wanted, par};
use callpath::input::discover;
use callpath::record::{Merge, Options};
use std::path::Path;

/// Every message that the engine finds in a capture.
fn read(path: &Path) -> Vec<Sip> {
    let inputs = [path.to_str().unwrap().to_owned()];
    let mut merge = Merge::open(discover(&inputs).unwrap(), par::spawn, Options::default()).unwrap();
    let (mut engine, mut messages) = (Engine::default(), Vec::new());
    while let Some(window) = merge.next_window(engine.room()) {
        let interfaces = merge.interfaces().to_vec();
        let mut facts = engine.apply(vec![Decoded::of(window, None)], &interfaces);
        if engine.is_at_tick() {
            facts.extend(engine.tick());
        }
        messages.extend(facts.into_iter().filter_map(|(_, fact)| message(&fact)));
    }
    let (ended, _) = engine.sweep(&Wanted { all: true, ..Wanted::default() });
    messages.extend(ended.into_iter().filter_map(|(_, fact)| message(&fact)));
    messages
}

fn message(fact: &Fact) -> Option<Sip> {
    let Fact::Message(message) = fact else { return None };
    let sip = message.sip();
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let start =
        if sip.is_request() { text(Some(sip.method_text())) } else { sip.status().map(|code| code.to_string()).unwrap_or_default() };
    Some(Sip {
        start,
        call_id: text(sip.call_id()),
        cseq: sip.cseq().map(|(number, method)| format!("{number} {}", text(Some(method)))).unwrap_or_default(),
        from_tag: text(sip.from_tag()),
        to_tag: text(sip.to_tag()),
    })
}

/// Compares every capture, those in which tshark finds no SIP as well.
pub fn compare(cases: &[Case]) -> Compared {
    let mut compared = Compared::default();
    for Case { capture, .. } in cases {
        let theirs = capture.sip();
        compared.subjects += 1;
        compared.things += theirs.len();
        compared.note("message", capture, "", apart(&read(&capture.path), &theirs, |message| message.start.clone()));
    }
    compared
}

#[test]
fn sip_messages_are_those_that_tshark_reads() {
    let Some(cases) = cases() else { return };
    let compared = compare(cases);
    known().hold("message", &compared.differences);
    assert!(compared.things >= 900, "only {} messages compared", compared.things);
}
