//! Names of SBCs: which of them lead to the tenant.

use super::network::Tables;

/// A name that the file gives to an SBC or a gateway, that fits a pattern of hosted SBCs, or under which the service finds a domain: it
/// looks for the whole name, then for the name without its first label. None where the file has nothing to compare with.
pub(super) fn is_sbc_name(tables: &Tables, name: &str) -> Option<bool> {
    let tenant = &tables.tenant;
    let mut paired = tables.sbcs.iter().filter_map(|sbc| sbc.fqdn.as_ref()).chain(tables.gateways.iter().map(|gateway| &gateway.fqdn));
    let has_names = !tenant.domains.is_empty() || !tenant.sbc_name_patterns.is_empty() || paired.clone().next().is_some();
    let lower = name.to_lowercase();
    let parent = lower.split_once('.').map(|(_, parent)| parent);
    let is_domain = |domain: &String| domain.eq_ignore_ascii_case(name) || parent.is_some_and(|parent| domain.eq_ignore_ascii_case(parent));
    let options = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::new() };
    has_names.then(|| {
        paired.any(|known| known.eq_ignore_ascii_case(name))
            || tenant.domains.iter().any(is_domain)
            || tenant.sbc_name_patterns.iter().any(|pattern| pattern.matches_with(&lower, options))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Topology;

    const FILE: &str = "
[tenant]
domains = ['contoso.com']
sbc_name_patterns = ['*.customers.carrier.example']
[[sbc]]
id = 'one'
fqdn = 'one.fabrikam.com'
place = 'your_network'
[[gateway]]
fqdn = 'Two.fabrikam.com'
proxy = 'two.fabrikam.com'
";

    #[test]
    fn a_name_is_known_as_the_service_looks_it_up() {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let known = |name: &str| topology.is_sbc_name(name).unwrap();
        assert!(
            ["SBC1.Contoso.com", "contoso.com", "a.customers.carrier.example", "ONE.fabrikam.com", "two.fabrikam.com"].map(known)
                == [true; 5]
        );
        assert!(["sbc1.voice.contoso.com", "sbc1.fabrikam.com", "customers.carrier.example", "com", ""].map(known) == [false; 5]);
        assert!(topology.is_proxy_sbc("TWO.fabrikam.com") && !topology.is_proxy_sbc("one.fabrikam.com"));
    }

    #[test]
    fn without_names_nothing_is_said() {
        assert_eq!(Topology::built_in().is_sbc_name("sbc1.contoso.com"), None);
        let topology = Topology::parse("[numbers]\nemergency = ['112']\n", "t.toml").unwrap();
        assert_eq!(topology.is_sbc_name("sbc1.contoso.com"), None);
    }
}
