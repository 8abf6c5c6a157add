//! Which rows facts leave.

use super::*;

fn left(far: Option<Far>, bypass: Option<bool>, offer: Offer) -> String {
    rows(Facts { far, bypass, offer, other_tenant: false }).join("/")
}

#[test]
fn media_through_microsoft_leaves_what_a_capture_at_the_sbc_cannot_tell() {
    let far = Some(Far::Microsoft);
    assert_eq!(left(far, None, Offer::Plain), "TD1/TD2/TD8");
    assert_eq!(left(far, None, Offer::Ice), "TD1/TD2/TD4/TD8");
    assert_eq!(left(far, None, Offer::Unseen), "TD1/TD2/TD4/TD8");
    assert_eq!(left(far, None, Offer::Clients), "TD4/TD8");
}

#[test]
fn the_trunks_mode_tells_processor_calls_apart() {
    let far = Some(Far::Microsoft);
    assert_eq!(left(far, Some(false), Offer::Plain), "TD1/TD2");
    assert_eq!(left(far, Some(false), Offer::Unseen), "TD1/TD2");
    assert_eq!(left(far, Some(true), Offer::Plain), "TD8");
    assert_eq!(left(far, Some(true), Offer::Ice), "TD4/TD8");
}

#[test]
fn direct_media_leaves_one_row_whatever_the_trunk_is() {
    for bypass in [None, Some(true), Some(false)] {
        assert_eq!(left(Some(Far::InsideClient), bypass, Offer::Plain), "TD3");
        assert_eq!(left(Some(Far::RemoteClient), bypass, Offer::Plain), "TD5");
        assert_eq!(left(Some(Far::Sbc), bypass, Offer::Plain), "TD6");
    }
}

#[test]
fn an_sbc_of_another_tenant_makes_it_a_hairpin_across_tenants() {
    let facts = Facts { far: Some(Far::Microsoft), bypass: None, offer: Offer::Plain, other_tenant: true };
    assert_eq!(rows(facts), ["TD7"]);
}

#[test]
fn without_media_signalling_leaves_what_it_allows() {
    assert_eq!(left(None, Some(false), Offer::Plain), "TD1/TD2");
    assert_eq!(left(None, None, Offer::Plain), "TD1/TD2/TD8");
    assert_eq!(left(None, None, Offer::Clients), "TD3/TD4/TD5/TD8");
    assert_eq!(left(None, None, Offer::Unseen), "TD1/TD2/TD3/TD4/TD5/TD8");
}

#[test]
fn media_decides_where_the_topology_says_otherwise() {
    assert_eq!(left(Some(Far::Microsoft), Some(false), Offer::Clients), "TD1/TD2/TD4/TD8");
}

#[test]
fn names_of_legs_stand_in_rows_of_direct_routing() {
    let matrix = super::super::matrix();
    for name in [Far::Microsoft, Far::RemoteClient, Far::InsideClient, Far::Sbc].into_iter().flat_map(names) {
        assert!(matrix.rows.iter().any(|row| row.id.starts_with("TD") && row.media.iter().any(|leg| leg.leg == *name)), "{name}");
    }
}
