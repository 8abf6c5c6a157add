//! `callpath lbr` as users and scripts meet it: options, the decision with its reasons, and what it refuses.

use super::asked::{Folder, holds, refusal};
use super::program::callpath;
use serde_json::Value;

/// Two sites with LBR and one without, a gateway at each, a user with LBR and one without.
const NET: &str = r#"
lbr_edition = "2023"
[tenant]
trusted_ips = ["198.51.100.0/28"]
[[site]]
id = "Hanoi"
lbr = true
subnets = ["192.168.1.0/24", "2001:db8:1::/64"]
[[site]]
id = "Delhi"
lbr = true
subnets = ["192.168.2.0/24"]
[[site]]
id = "Bern"
subnets = ["192.168.3.0/24"]
[[gateway]]
fqdn = "hanoi.contoso.com"
sites = ["Hanoi"]
sites_lbr = ["Hanoi"]
[[gateway]]
fqdn = "delhi.contoso.com"
sites = ["Delhi"]
sites_lbr = ["Delhi"]
[[gateway]]
fqdn = "bern.contoso.com"
sites = ["Bern"]
[[user]]
number = "+84455555555"
lbr = true
policy = ["hanoi.contoso.com", "delhi.contoso.com", "bern.contoso.com"]
[[user]]
number = "+41315555555"
policy = ["hanoi.contoso.com", "bern.contoso.com"]
"#;

const LBR: &str = "+84455555555";
const PLAIN: &str = "+41315555555";

struct Net {
    path: String,
    _folder: Folder,
}

impl Net {
    fn new() -> Self {
        let folder = Folder::new();
        Self { path: folder.put("net.toml", NET.as_bytes()), _folder: folder }
    }

    fn args<'a>(&'a self, line: &'a str) -> Vec<&'a str> {
        let mut args = vec!["lbr", "-t", &self.path];
        args.extend(line.split(' '));
        args
    }

    fn text(&self, line: &str) -> String {
        let ran = callpath(&self.args(line), b"");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}");
        ran.text()
    }

    fn decision(&self, line: &str) -> String {
        self.text(line).lines().next().unwrap_or_default().to_owned()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{line} --format json"))).expect("one object")
    }
}

#[test]
fn the_decision_comes_first_then_reasons_and_facts() {
    let text = Net::new().text("--outbound --user +84455555555 --at 192.168.1.20 --external 198.51.100.3");
    let expected = "\
allow via hanoi.contoso.com

Why
- Wording of 2023, outgoing calls: +84455555555 has LBR and is at site Hanoi (LBR on): only gateways
  enabled for that site may carry the call.

Facts
user     +84455555555: LBR on, policy hanoi.contoso.com, delhi.contoso.com, bern.contoso.com
         at site Hanoi (LBR on): 192.168.1.20 is in subnet 192.168.1.0/24 of site Hanoi;
         198.51.100.3 is trusted (198.51.100.0/28)
in       hanoi.contoso.com: enabled for LBR at Hanoi
out      delhi.contoso.com: enabled for LBR at Delhi, not at Hanoi
out      bern.contoso.com: not enabled for LBR
";
    assert_eq!(text, expected);
}

#[test]
fn json_has_the_same_facts() {
    let net = Net::new();
    let allowed = net.json("--outbound --user +84455555555 --at 192.168.1.20,2001:db8:1::9 --external 198.51.100.3");
    assert_eq!((&allowed["schema"], &allowed["edition"]), (&Value::from("callpath.lbr/1"), &Value::from("2023")));
    assert_eq!((&allowed["decision"], &allowed["via"][0]), (&Value::from("allow"), &Value::from("hanoi.contoso.com")));
    assert_eq!((&allowed["people"][0]["location"], &allowed["people"][0]["site"]), (&Value::from("site"), &Value::from("Hanoi")));
    holds(allowed["people"][0]["why"].as_str().unwrap(), &["2001:db8:1::9 is in subnet 2001:db8:1::/64"]);
    assert_eq!((&allowed["gateways"][1]["fits"], &allowed["missing"]), (&Value::from("no"), &Value::Null));
    let unknown = net.json("--outbound --user +84455555555 --at 192.168.1.20");
    assert_eq!((&unknown["decision"], &unknown["people"][0]["location"]), (&Value::from("unknown"), &Value::Null));
    assert_eq!(unknown["missing"], "where the endpoint of +84455555555 is");
}

#[test]
fn every_kind_of_call_is_decided() {
    let net = Net::new();
    let at = |site: u8| format!("--at 192.168.{site}.20 --external 198.51.100.3");
    let lbr = format!("--user {LBR}");
    for (line, decision) in [
        (format!("--outbound {lbr} {}", at(2)), "allow via delhi.contoso.com"),
        (format!("--outbound {lbr} {}", at(9)), "deny"),
        (format!("--outbound {lbr} --at 192.168.1.20 --external 203.0.113.9"), "deny"),
        (format!("--outbound --user {PLAIN}"), "allow via bern.contoso.com"),
        (format!("--inbound --gateway HANOI.contoso.com {lbr} {}", at(1)), "deliver via hanoi.contoso.com"),
        (format!("--inbound --gateway hanoi.contoso.com {lbr} {}", at(2)), "unanswered_forwarding"),
        (format!("--transfer --gateway hanoi.contoso.com {lbr} {} --to-user {PLAIN} --to-at 192.168.1.9", at(1)), "deny"),
        (
            format!("--transfer --gateway hanoi.contoso.com {lbr} {} --to-user {LBR} --to-at 192.168.1.9", at(1)),
            "allow via hanoi.contoso.com",
        ),
        (format!("--transfer --placed --gateway hanoi.contoso.com {lbr} {} --to-pstn", at(1)), "allow via hanoi.contoso.com"),
        (format!("--forward --gateway delhi.contoso.com {lbr} {} --to-pstn", at(1)), "allow via delhi.contoso.com"),
        (
            format!("--simring {lbr} --to-pstn --from-user {LBR} --from-at 192.168.2.4 --external 198.51.100.3"),
            "allow via delhi.contoso.com",
        ),
        (format!("--delegate --gateway hanoi.contoso.com {lbr} {} --to-user {LBR} --to-at 192.168.2.9", at(1)), "deny"),
        (
            format!("--forward --gateway hanoi.contoso.com {lbr} {} --to-user {LBR} --to-at 192.168.1.9 --to-external 203.0.113.9", at(1)),
            "deny",
        ),
        (format!("--simring {lbr} --to-pstn --from-user {LBR} --from-at 192.168.2.4 --from-external 203.0.113.9"), "deny"),
        ("--voice-app --gateway hanoi.contoso.com".to_owned(), "allow via hanoi.contoso.com"),
        (format!("--voice-app --gateway hanoi.contoso.com {lbr} {}", at(2)), "unanswered_forwarding"),
        (format!("--conference {lbr}"), "deny"),
        ("--park".to_owned(), "not_enforced"),
        ("--skype".to_owned(), "not_enforced"),
    ] {
        assert_eq!(net.decision(&line), decision, "{line}");
    }
}

#[test]
fn edition_wins_over_the_topology() {
    let net = Net::new();
    let line = "--inbound --gateway bern.contoso.com --user +84455555555 --at 192.168.3.20 --external 198.51.100.3";
    assert_eq!(net.decision(line), "deliver via bern.contoso.com");
    assert_eq!(net.decision(&format!("{line} --edition 2020")), "unanswered_forwarding");
}

#[test]
fn a_fact_that_is_missing_is_named_with_the_option_that_gives_it() {
    let net = Net::new();
    let text = net.text("--outbound --user +84455555555 --at 192.168.1.20");
    holds(&text, &["unknown: where the endpoint of +84455555555 is\n", "its external address is not known; --external would tell"]);
    let text = net.text("--outbound --user 84455555555 --external 198.51.100.3");
    holds(&text, &["its address inside is not known", "--at would tell"]);
}

#[test]
fn unknown_names_are_refused_with_those_that_exist() {
    let net = Net::new();
    let refused = |line: &str| refusal(&net.args(line));
    holds(&refused("--outbound --user +1"), &["no user '+1': '", "' has +84455555555, +41315555555"]);
    let gateways = "' has hanoi.contoso.com, delhi.contoso.com, bern.contoso.com";
    holds(&refused("--inbound --gateway x --user +84455555555"), &["no gateway 'x': '", gateways]);
    holds(&refusal(&["lbr", "--outbound", "--user", LBR]), &["no user '+84455555555': name a topology that has one with -t FILE"]);
}

#[test]
fn a_call_that_is_half_described_is_refused_with_what_it_needs() {
    let net = Net::new();
    for line in [
        "--user +84455555555",
        "--outbound",
        "--outbound --inbound --user +84455555555",
        "--inbound --user +84455555555",
        "--transfer --user +84455555555 --gateway hanoi.contoso.com",
        "--outbound --user +84455555555 --edition 2021",
        "--outbound --user +84455555555 --gateway hanoi.contoso.com",
        "--outbound --user +84455555555 --to-pstn",
        "--park --user +84455555555",
        "--park --at 192.168.1.20",
        "--forward --user +84455555555 --to-pstn --gateway hanoi.contoso.com --from-user +41315555555",
        "--outbound --user +84455555555 --at nowhere",
    ] {
        let ran = callpath(&net.args(line), b"");
        assert_eq!((ran.code, ran.text().as_str()), (2, ""), "{line}");
        holds(&ran.err, &["error: ", "--help"]);
    }
    let line = "--forward --user +84455555555 --to-pstn";
    holds(&refusal(&net.args(line)), &["--forward needs --gateway FQDN", "--from-user NUMBER"]);
    let help = callpath(&["lbr", "--help"], b"");
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    holds(&help.text(), &["Examples:", "callpath lbr -t net.toml --outbound --user +84455555555"]);
}
