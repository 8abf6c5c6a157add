//! `callpath topology` as users meet it: a file that is checked, a draft that is filled in as its comments say, a list of
//! Microsoft's prefixes beside the file.

use serde_json::Value;
use std::fs;

#[path = "support/asked.rs"]
mod asked;
#[path = "support/program.rs"]
mod program;

use asked::{BROKEN, CLEAN, Folder, analyze, bytes, holds, own, refusal};
use program::callpath;

const CAPTURE: &str = "er-out-internet-back.pcapng";
const TOPOLOGY: &str = "er-out-internet-back.toml";

#[test]
fn a_file_that_loads_is_told_table_by_table() {
    let ran = callpath(&["topology", "check", &own(TOPOLOGY)], b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    holds(&ran.text(), &["(Contoso) loads", "[[link]], [[tunnel]]: 2 links", "Not given", "[[gateway]]", "built-in list as of"]);
    let json = callpath(&["topology", "check", "--format", "json", &own(TOPOLOGY)], b"");
    let json: Value = serde_json::from_slice(&json.out).unwrap();
    assert_eq!((&json["schema"], &json["tables"][2]["on"]), (&"callpath.topology/1".into(), &true.into()));
}

#[test]
fn a_file_that_does_not_load_is_told_with_its_line() {
    let here = Folder::new();
    let path = here.put("t.toml", b"schema = 1\n[[prefix]]\ncidrr = '10.0.0.0/8'\n");
    holds(&refusal(&["topology", "check", &path]), &["t.toml:3: unknown key 'cidrr': write 'cidr'"]);
    holds(&refusal(&["topology", "check", "no-such.toml"]), &["cannot read the topology 'no-such.toml': no such file"]);
    assert_eq!(callpath(&["topology"], b"").code, 2);
}

#[test]
fn a_list_of_prefixes_lies_beside_the_topology() {
    let here = Folder::new();
    let path = here.put("t.toml", b"[microsoft]\nas_of = '2026-09-01'\nlist = 'endpoints.json'\n");
    holds(&refusal(&["topology", "check", &path]), &["t.toml:3: list 'endpoints.json' cannot be read: no such file"]);
    here.put("endpoints.json", b"[{\"id\": 11, \"serviceArea\": \"Skype\", \"ips\": [\"203.0.113.0/24\"], \"udpPorts\": \"3478\"}]");
    let ran = callpath(&["topology", "check", &path], b"");
    holds(&ran.text(), &["[microsoft]: 1 listed prefix", "list 'endpoints.json' as of 2026-09-01, built-in list as of"]);
    let (_, report) = analyze(&["-t", &path, &own(CAPTURE)], b"");
    holds(&report["notes"].to_string(), &["list 'endpoints.json' as of 2026-09-01"]);
    here.put("endpoints.json", b"{}");
    holds(&refusal(&["topology", "check", &path]), &["list 'endpoints.json' line 1: it is not an array", "endpoints.office.com"]);
}

/// What each direction of each hop crossed, and the verdict.
fn segments(report: &Value) -> Vec<[String; 3]> {
    let hops = report["hops"].as_array().unwrap().iter();
    hops.map(|hop| [&hop["a_to_b"]["segment"], &hop["b_to_a"]["segment"], &hop["asymmetric"]["verdict"]].map(Value::to_string)).collect()
}

#[test]
fn a_draft_that_is_filled_in_gives_what_the_right_topology_gives() {
    let here = Folder::new();
    let path = here.put("draft.toml", b"");
    let ran = callpath(&["topology", "init", "--from", &own(CAPTURE), "-o", &path], b"");
    assert_eq!((ran.code, ran.text().as_str(), ran.err.as_str()), (0, "", ""));
    let draft = fs::read_to_string(&path).unwrap();
    holds(
        &draft,
        &[
            "2026-01-15T09:29:59 to 2026-01-15T09:30:06 UTC",
            "fqdn = \"sbc1.contoso.com\"",
            "signalling = [\"198.51.100.4\"]",
            "media = [\"198.51.100.5\"]",
            "# domains = [\"contoso.com\"]",
            "# pool = \"198.51.100.4\"",
        ],
    );
    let checked = callpath(&["topology", "check", &path], b"");
    assert_eq!((checked.code, checked.text().matches("has segment \"?\"").count()), (0, 2), "{draft}");
    let as_is = analyze(&["-t", &path, &own(CAPTURE)], b"").1;
    assert!(segments(&as_is).iter().all(|[out, ..]| out == "\"internet_or_expressroute\""), "{:?}", segments(&as_is));

    let mut filled = draft;
    for (interface, segment) in [("er", "expressroute"), ("inet", "internet")] {
        let stub = format!("id = \"{interface}\"\nsegment = \"?\"");
        assert_eq!(filled.matches(&stub).count(), 1, "{filled}");
        filled = filled.replace(&stub, &format!("id = \"{interface}\"\nsegment = \"{segment}\""));
    }
    fs::write(&path, filled).unwrap();
    let by_draft = analyze(&["-t", &path, &own(CAPTURE)], b"").1;
    let by_hand = analyze(&["-t", &own(TOPOLOGY), &own(CAPTURE)], b"").1;
    assert_eq!(segments(&by_draft), segments(&by_hand));
    let rules = |report: &Value| -> Vec<Value> { report["findings"].as_array().unwrap().iter().map(|f| f["id"].clone()).collect() };
    assert_eq!(rules(&by_draft), rules(&by_hand));
    assert!(rules(&by_hand).iter().any(|id| id.as_str().unwrap().starts_with("DR170-")));
}

#[test]
fn every_capture_of_ours_gives_a_draft_that_loads() {
    let here = Folder::new();
    let captures = [CLEAN, BROKEN, "two-vlans.pcap", "clean.pcap", "srtp.pcap", "vrrp.pcap", "sipp-udp.pcap", "tcp-two-vlans.pcap"];
    for capture in captures {
        let ran = callpath(&["topology", "init", "--from", &own(capture)], b"");
        let path = here.put("draft.toml", &ran.out);
        let checked = callpath(&["topology", "check", &path], b"");
        assert_eq!((ran.code, checked.code), (0, 0), "{capture}: {}\n{}", checked.err, ran.text());
    }
    let piped = callpath(&["topology", "init", "--from", "-"], &bytes(BROKEN));
    holds(&piped.text(), &["[[sbc]]", "[[link]]", "segment = \"?\"\nmac = "]);
    assert_eq!(callpath(&["topology", "init", "--from", "no-such.pcap"], b"").code, 3);
    assert_eq!(callpath(&["topology", "init"], b"").code, 2);
}
