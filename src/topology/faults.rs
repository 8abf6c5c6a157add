//! Mistakes in topology files, and the one line that each gets.

use super::*;

fn fault(text: &str) -> String {
    Topology::parse(text, "t.toml").unwrap_err().to_string()
}

#[test]
fn every_faulty_file_gets_one_line_with_its_place_and_the_remedy() {
    for (text, expected) in [
        ("[[prefix]]\ncidrr = '10.0.0.0/8'\nplace = 'dmz'\n", "t.toml:2: unknown key 'cidrr': write 'cidr'"),
        (
            "[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'dmz'\ncolour = 'red'\n",
            "t.toml:4: unknown key 'colour': write one of cidr, place, label, advertised, role",
        ),
        ("\n[[prefixes]]\ncidr = '10.0.0.0/8'\n", "t.toml:2: unknown key 'prefixes': write 'prefix'"),
        (
            "[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'office'\n",
            "t.toml:3: unknown place 'office': write one of your_network, dmz, vpn_pool, federated, third_party, other_tenant, carrier, internet",
        ),
        (
            "[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'your-network'\n",
            "t.toml:3: unknown place 'your-network': write 'your_network', or another of your_network, dmz, vpn_pool, federated, third_party, other_tenant, carrier, internet",
        ),
        (
            "[[prefix]]\ncidr = '52.0.0.0/8'\nplace = 'microsoft'\n",
            "t.toml:3: place 'microsoft' is not given to a prefix: write the prefix under [microsoft] add",
        ),
        (
            "[[link]]\nid = 'er'\nsegment = 'mpls'\nmac = ['00:00:5e:00:01:0a']\n",
            "t.toml:3: unknown segment 'mpls': write one of expressroute, internet, your_network, local, ?",
        ),
        ("[[prefix]]\ncidr = '10.1.0.0/8'\nplace = 'dmz'\n", "t.toml:2: '10.1.0.0/8' has bits set behind its length: write \"10.0.0.0/8\""),
        (
            "[[nat]]\npool = '198.51.100/28'\n",
            "t.toml:2: '198.51.100/28' is not a prefix: write one like \"10.0.0.0/8\" or \"2001:db8::/32\"",
        ),
        (
            "[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'dmz'\n[[prefix]]\ncidr = '10.0.0.0/8'\nplace = 'dmz'\n",
            "t.toml:5: prefix 10.0.0.0/8 stands in line 2 already: write it once",
        ),
        (
            "[[nat]]\npool = '198.51.100.0/28'\nadvertised = ['internet']\n[[nat]]\npool = '198.51.100.0/28'\nadvertised = ['expressroute']\n",
            "t.toml:5: pool 198.51.100.0/28 is advertised otherwise in line 2: write it once, with every segment in one list",
        ),
        (
            "[[nat]]\npool = '198.51.100.0/28'\nadvertised = ['internet']\n[[prefix]]\ncidr = '198.51.100.0/28'\nplace = 'dmz'\nadvertised = ['expressroute']\n",
            "t.toml:5: pool 198.51.100.0/28 is advertised otherwise in line 2: write it once, with every segment in one list",
        ),
        (
            "[[nat]]\npool = '198.51.100.0/28'\nadvertised = ['local']\n",
            "t.toml:3: unknown segment 'local': write one of internet, expressroute",
        ),
        (
            "[[static_nat]]\ninside = '10.0.0.1'\noutside = '198.51.100.4'\n[[static_nat]]\ninside = '10.0.0.2'\noutside = '198.51.100.4'\n",
            "t.toml:6: static_nat outside 198.51.100.4 stands in line 3 already: write it once",
        ),
        (
            "[[static_nat]]\ninside = '10.0.0.1/32'\noutside = '198.51.100.4'\n",
            "t.toml:2: '10.0.0.1/32' is not an address: write one like \"198.51.100.4\" or \"2001:db8::4\", without a prefix length",
        ),
        (
            "[[link]]\nid = 'er'\nsegment = 'expressroute'\n",
            "t.toml:2: link er selects nothing: write at least one of interface, vlan, mac, file",
        ),
        (
            "[[link]]\nid = 'er'\nsegment = '?'\ninterface = 'eth0'\n",
            "t.toml:4: 'interface' cannot be string \"eth0\": write interface = [\"eth2\", \"eth3\"]",
        ),
        (
            "[[link]]\nid = 'er'\nsegment = '?'\nvlan = [1201, 400]\n",
            "t.toml:4: 'vlan' cannot be integer '1201': write vlan = [[1201], [400, 1201]]",
        ),
        (
            "[[link]]\nid = 'er'\nsegment = '?'\nvlan = [[5000]]\n",
            "t.toml:4: 5000 is not a VLAN id: write numbers from 0 to 4094, as in vlan = [[1201], [400, 1201]]",
        ),
        (
            "[[link]]\nid = 'er'\nsegment = '?'\nmac = ['00:00:5e:00:01']\n",
            "t.toml:4: '00:00:5e:00:01' is not a MAC address: write one like \"00:00:5e:00:01:0a\"",
        ),
        ("[[link]]\nsegment = '?'\nfile = ['a*']\n", "t.toml:1: key 'id' is missing: write id = \"a-name\""),
        (
            "[[tunnel]]\nkind = 'gre'\nends = ['198.51.100.9']\nsegment = 'local'\n",
            "t.toml:3: a tunnel has two different ends: write ends = [\"198.51.100.9\", \"203.0.113.77\"]",
        ),
        ("[[gateway]]\nfqdn = 'a.contoso.com'\nsbc = 'sbc1'\n", "t.toml:3: no sbc is called 'sbc1': write a [[sbc]] of that name"),
        (
            "[[sbc]]\nid = 'sbc1'\nplace = 'dmz'\n[[gateway]]\nfqdn = 'a.contoso.com'\nsbc = 'sbc2'\n",
            "t.toml:6: no sbc is called 'sbc2': write 'sbc1'",
        ),
        (
            "[[site]]\nid = 'Vietnam'\n[[gateway]]\nfqdn = 'a.contoso.com'\nsites = ['Oslo']\n",
            "t.toml:5: no site is called 'Oslo': write one of Vietnam, or add a [[site]] of that name",
        ),
        (
            "[[site]]\nid = 'Vietnam'\n[[gateway]]\nfqdn = 'a.contoso.com'\nsites_lbr = ['Vietnam']\n",
            "t.toml:5: site 'Vietnam' is in sites_lbr and not in sites of a.contoso.com: write it in both",
        ),
        (
            "[[user]]\nnumber = '+4712345678'\npolicy = ['sbc.contoso.com']\n",
            "t.toml:3: no gateway is called 'sbc.contoso.com': write a [[gateway]] of that name",
        ),
        ("[[user]]\nnumber = '12345678'\n", "t.toml:2: '12345678' is not an E.164 number: write + and digits, as in \"+84455555555\""),
        (
            "[[sbc]]\nid = 'a'\nplace = 'dmz'\nmedia = ['192.0.2.1']\n[[sbc]]\nid = 'b'\nplace = 'dmz'\nmedia = ['192.0.2.1']\n",
            "t.toml:8: 192.0.2.1 belongs to sbc a too: write one [[sbc]], and a [[gateway]] for each of its names",
        ),
        (
            "[[sbc]]\nid = 'a'\nplace = 'internet'\n",
            "t.toml:3: an SBC is not in place 'internet': write one of your_network, dmz, carrier, third_party",
        ),
        (
            "[microsoft]\nadd = [{ cidr = '13.107.64.0/18', roles = ['cli'] }]\n",
            "t.toml:2: [microsoft] has no date: write as_of = \"2026-06-06\", the day on which its prefixes were right",
        ),
        (
            "[microsoft]\nlist = 'e.json'\n",
            "t.toml:2: [microsoft] has no date: write as_of = \"2026-06-06\", the day on which its prefixes were right",
        ),
        ("[microsoft]\nas_of = '6 June'\n", "t.toml:2: '6 June' is not a date: write one like \"2026-06-06\""),
        ("schema = 2\n", "t.toml:1: schema 2 is not known: write schema = 1"),
        ("cloud = 'gcc'\n", "t.toml:1: unknown cloud 'gcc': write one of worldwide, gcc-high, dod, china"),
        ("express_route = 'yes'\n", "t.toml:1: 'express_route' cannot be string \"yes\": write express_route = true"),
        ("[[trunk]]\nname = 'a'\nmtu = -1\n", "t.toml:3: 'mtu' cannot be integer '-1': write a whole number from 0 to 65535"),
        ("name = 'a'\nname = 'b'\n", "t.toml:2: this key or table stands twice: write it once ([[name]] where there may be several)"),
        ("[[prefix]\ncidr = '10.0.0.0/8'\n", "t.toml:1: not TOML: unclosed array table, expected ']'"),
        ("[[tenant]]\ndomains = ['contoso.com']\n", "t.toml:1: [[tenant]] is not how this table is written: write [tenant]"),
        ("[[gateway]]\nfqdn = 'a.contoso.com'\nmedia_bypass = 1\n", "t.toml:3: 'media_bypass' cannot be integer '1': write true or false"),
        ("[[trunk]]\nname = 'a'\nmtu = 70000\n", "t.toml:3: 'mtu' cannot be integer '70000': write a whole number from 0 to 65535"),
        ("[[trunk]]\nname = 7\n", "t.toml:2: 'name' cannot be integer '7': write name = \"a name\""),
        ("[[gateway]]\nfqdn = 'a.contoso.com'\nproxy = 5\n", "t.toml:3: 'proxy' cannot be integer '5': write text in quotes"),
        ("[prefix]\ncidr = '10.0.0.0/8'\n", "t.toml:1: [prefix] is not how this table is written: write [[prefix]]"),
    ] {
        assert_eq!(fault(text), expected, "in\n{text}");
    }
}

#[test]
fn doubts_are_noted_and_do_not_stop_the_run() {
    let text = "
[tenant]
domains = ['contoso.com']
sbc_name_patterns = ['*.customers.carrier.example']
[[site]]
id = 'Oslo'
[[site]]
id = 'OSLO'
[[sbc]]
id = 's'
fqdn = 'SBC.Contoso.com'
place = 'dmz'
[[gateway]]
fqdn = 'sbc.contoso.org'
sites = ['oslo']
[[gateway]]
fqdn = 'c1.Customers.carrier.example'
[[gateway]]
fqdn = 'evilcontoso.com'
[[nat]]
pool = '198.51.100.0/28'
advertised = ['internet', 'expressroute']
[[prefix]]
cidr = '198.51.100.0/28'
place = 'internet'
[[prefix]]
cidr = '10.0.0.0/8'
place = 'dmz'
advertised = ['internet']
";
    assert_eq!(
        Topology::parse(text, "t.toml").unwrap().notes,
        [
            "t.toml:21: 198.51.100.0/28 is advertised on internet and expressroute: replies may come back over either, so no return path is predicted for it",
            "t.toml:27: 10.0.0.0/8 is private and cannot be advertised: write the public addresses behind it",
            "t.toml:24: 198.51.100.0/28 is a NAT pool and has place 'internet': its flows do not count as yours",
            "t.toml:8: site 'OSLO' differs from 'Oslo' only by letter case, which counts",
            "t.toml:15: site 'oslo' is written 'Oslo' elsewhere: letter case counts",
            "t.toml:14: 'sbc.contoso.org' is under none of the tenant's domains (contoso.com)",
            "t.toml:19: 'evilcontoso.com' is under none of the tenant's domains (contoso.com)",
        ]
    );
}
