//! Packets of RFC 7714, and packets that libsrtp 2 sealed.

use super::super::hex;
use super::*;

/// What libsrtp made with the master key 01 02 03 …: of [`rtp`], and of [`rtcp`] as its second packet.
const SEALED: [(Suite, &str, &str); 6] = [
    (
        Suite::Cm128Sha80,
        "800f1234decafbadcafebabe5bacfa32c6e228868a033e3cf4ff4566b7fe6e277a142b690553",
        "81c8000bcafebabeb456b80abe6d31bc2657186ecd7b161abe1261a7d09ff6d2b5201f4b48b25392a1bf0273850ff3275b98a5b6800000026fa57b3b523bb027ce66",
    ),
    (
        Suite::Cm128Sha32,
        "800f1234decafbadcafebabe5bacfa32c6e228868a033e3cf4ff4566b7fe6e27",
        "81c8000bcafebabeb456b80abe6d31bc2657186ecd7b161abe1261a7d09ff6d2b5201f4b48b25392a1bf0273850ff3275b98a5b6800000026fa57b3b523bb027ce66",
    ),
    (
        Suite::Cm256Sha80,
        "800f1234decafbadcafebabe93bed361f6b9c5bb76c0056d9ee516d45f39cc9e75100438cdc3",
        "81c8000bcafebabe4bae120ee86480264c941ba4cd080fa41651bc8b7605ef82fcf7db4e5081e94d8ea45f4782f13e58d528ab2f80000002df99747a2dcc59428fe7",
    ),
    (
        Suite::Cm256Sha32,
        "800f1234decafbadcafebabe93bed361f6b9c5bb76c0056d9ee516d45f39cc9e",
        "81c8000bcafebabe4bae120ee86480264c941ba4cd080fa41651bc8b7605ef82fcf7db4e5081e94d8ea45f4782f13e58d528ab2f80000002df99747a2dcc59428fe7",
    ),
    (
        Suite::Gcm128,
        "800f1234decafbadcafebabe268ae66e8448745150b895050278a54a19a2418cd57e2b7b6f8ad68aa7af36f5",
        "81c8000bcafebabe2d27150c6ede310f3e34a8438b07f58a2d9c4f170c7dd48c0424b47a54873a57c9e6a180f200710c55912dacb4ae66b75f86b73c29f26ca5b5edd7f880000002",
    ),
    (
        Suite::Gcm256,
        "800f1234decafbadcafebabe6a4f474427a7da33c3d8d8e0e99fff18afd8ce5204e2875a158f29a4801a5b54",
        "81c8000bcafebabe01f13d8740777ff0beb60c8e6907296198a91bbf6789d8d3acea2e4cbda37041108b736f532691c0e25d4429c99192698e08634d339293e1f943e0b480000002",
    ),
];

fn rtp() -> Vec<u8> {
    [hex("800f1234decafbadcafebabe"), vec![0xab; 16]].concat()
}

fn rtcp() -> Vec<u8> {
    [hex("81c8000bcafebabe"), (0..44).collect()].concat()
}

fn master(suite: Suite) -> Vec<u8> {
    (1..).take(suite.key_len() + suite.salt_len()).collect()
}

fn session(suite: Suite) -> Session {
    Session::new(&Master::new(suite, &master(suite)).unwrap()).unwrap()
}

/// A session whose keys are those of RFC 7714 sections 16 and 17, which do not come from a master key.
fn given(suite: Suite) -> Session {
    let key: Vec<u8> = (0..).take(suite.key_len()).collect();
    let seal = || Seal { aes: Aes::new(&key).unwrap(), salt: Zeroizing::new(b"Quid pro quo".to_vec()), auth: Secret::default() };
    Session { suite, no_rtp_tag: false, mki: Vec::new(), rtp: seal(), rtcp: seal() }
}

#[test]
fn what_libsrtp_sealed_is_opened_and_nothing_that_was_changed() {
    for (suite, sealed_rtp, sealed_rtcp) in SEALED {
        let (session, sealed, control) = (session(suite), hex(sealed_rtp), hex(sealed_rtcp));
        assert_eq!(sealed.len(), rtp().len() + suite.rtp_tag());
        assert!(session.authenticates(&sealed, 12, 0) && !session.authenticates(&sealed, 12, 1), "{suite:?}");
        assert_eq!(session.open_rtcp(&control), Some(rtcp()), "{suite:?}");
        for at in 0..control.len() {
            let mut broken = control.clone();
            broken[at] ^= 0x10;
            assert_eq!(session.open_rtcp(&broken), None, "{suite:?}, octet {at}");
            assert_eq!(session.open_rtcp(&control[..at]), None, "{suite:?}, cut to {at}");
        }
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 0x10;
            assert!(!session.authenticates(&broken, 12, 0) && !session.authenticates(&sealed[..at], 12, 0), "{suite:?}, octet {at}");
        }
    }
}

#[test]
fn one_bit_of_the_key_is_enough_to_fail() {
    for (suite, sealed_rtp, sealed_rtcp) in SEALED {
        for at in 0..suite.key_len() + suite.salt_len() {
            let mut secret = master(suite);
            secret[at] ^= 1;
            let session = Session::new(&Master::new(suite, &secret).unwrap()).unwrap();
            assert!(!session.authenticates(&hex(sealed_rtp), 12, 0) && session.open_rtcp(&hex(sealed_rtcp)).is_none(), "octet {at}");
        }
    }
}

/// RFC 7714 sections 16.1.1, 16.2.1, 17.1 and 17.2.
#[test]
fn gcm_is_that_of_rfc_7714() {
    let head = "8040f17b8041f8d35501a0b2";
    let clear = hex("81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef");
    let cases = [
        (
            Suite::Gcm128,
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
            "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
        ),
        (
            Suite::Gcm256,
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
            "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
        ),
    ];
    for (suite, rtp, rtcp) in cases {
        let session = given(suite);
        assert!(session.authenticates(&hex(&format!("{head}{rtp}")), 12, 0), "{suite:?}");
        assert_eq!(session.open_rtcp(&hex(rtcp)), Some(clear.clone()), "{suite:?}");
    }
}

#[test]
fn packets_carry_the_identifier_of_their_key() {
    for (suite, sealed_rtp, sealed_rtcp) in SEALED {
        let (mut sealed, mut control) = (hex(sealed_rtp), hex(sealed_rtcp));
        // With one key the tag is the same: an identifier is not authenticated (RFC 3711 sections 3.1 and 3.4).
        let place = |packet: &[u8], tag: usize| packet.len() - if suite.is_gcm() { 0 } else { tag };
        let (rtp_at, rtcp_at) = (place(&sealed, suite.rtp_tag()), place(&control, suite.rtcp_tag()));
        sealed.splice(rtp_at..rtp_at, [0, 7]);
        control.splice(rtcp_at..rtcp_at, [0, 7]);
        let with = |mki: &[u8]| Session { mki: mki.to_vec(), ..session(suite) };
        assert!(with(&[0, 7]).authenticates(&sealed, 12, 0) && with(&[0, 7]).open_rtcp(&control).is_some(), "{suite:?}");
        assert!(!with(&[0, 8]).authenticates(&sealed, 12, 0) && with(&[0, 8]).open_rtcp(&control).is_none(), "{suite:?}");
    }
}

#[test]
fn rtcp_that_is_only_authenticated_is_read_too() {
    let session = session(Suite::Cm128Sha80);
    let plain = [rtcp(), vec![0, 0, 0, 9]].concat();
    let mut mac = Hmac::<Sha1>::new_from_slice(&session.rtcp.auth).unwrap();
    mac.update(&plain);
    let packet = [plain, mac.finalize().into_bytes()[..10].to_vec()].concat();
    assert_eq!(session.open_rtcp(&packet), Some(rtcp()));
    let gcm = self::session(Suite::Gcm128);
    let nonce = gcm.rtcp.nonce(&[&[0, 0], &rtcp()[4..8], &[0, 0], &[0, 0, 0, 9]]).unwrap();
    let tag = gcm::tag(&gcm.rtcp.aes, &nonce, &[rtcp(), vec![0, 0, 0, 9]].concat(), &[]);
    assert_eq!(gcm.open_rtcp(&[&rtcp()[..], &tag, &[0, 0, 0, 9]].concat()), Some(rtcp()));
}

#[test]
fn tags_may_be_missing_by_agreement() {
    let session = Session { no_rtp_tag: true, ..session(Suite::Cm128Sha80) };
    assert!(!session.has_rtp_tag() && !session.authenticates(&hex(SEALED[0].1), 12, 0));
    assert_eq!(format!("{session:?}"), "Session { suite: Cm128Sha80, .. }");
}
