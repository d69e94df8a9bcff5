//! SRTP and SRTCP of a viewer: the RFCs' vectors, and what must be refused.

use std::collections::HashSet;

use sluice_media_io::keying::Keying;
use sluice_media_io::srtp::{BadKeying, OVERHEAD, Opener, Refused, Sealer, contexts};
use str0m::config::CryptoProvider;
use str0m::crypto::dtls::SrtpProfile;
use str0m::crypto::{
    SrtpProvider, SupportedAeadAes128Gcm, SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
    from_feature_flags,
};

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AES128_CM_SHA1_80,
    SrtpProfile::AEAD_AES_128_GCM,
    SrtpProfile::AEAD_AES_256_GCM,
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits
        .chunks(2)
        .map(|pair| byte(pair).expect("hex"))
        .collect()
}

/// The same master key and salt for both directions.
fn both(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Keying {
    Keying {
        profile,
        material: [key, key, salt, salt].concat(),
        active: false,
    }
}

/// Keys that two sides agreed on, as one of them has them.
fn side(profile: SrtpProfile, active: bool) -> (Sealer, Opener) {
    let length = profile.keying_material_len() as u8;
    let keying = Keying {
        profile,
        material: (0..length).collect(),
        active,
    };
    contexts(&keying, &from_feature_flags()).expect("keys that fit")
}

fn sealed(sealer: &Sealer, packet: &[u8], header: usize, ssrc: u32, index: u64) -> Vec<u8> {
    let mut room = packet.to_vec();
    room.resize(packet.len() + OVERHEAD, 0);
    let length = sealer.rtp(&mut room, header, packet.len(), ssrc, index);
    room.truncate(length.expect("a sealed packet"));
    room
}

fn sealed_report(sealer: &mut Sealer, report: &[u8]) -> Vec<u8> {
    let mut room = report.to_vec();
    room.resize(report.len() + OVERHEAD, 0);
    let length = sealer.rtcp(&mut room, report.len());
    room.truncate(length.expect("a sealed report"));
    room
}

fn opened(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut plain = vec![0; 2048];
    let length = opener.rtcp(packet, &mut plain)?;
    plain.truncate(length);
    Ok(plain)
}

/// A receiver report without blocks, and bytes behind it, from this sender.
fn report(ssrc: u32, bytes: usize) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..bytes).map(|byte| byte as u8));
    packet
}

// ---- vectors ----------------------------------------------------------------------------------

/// A key derivation that gives the session keys of a vector: of RFC 3711's labels 0 to 5, key,
/// MAC key and salt. The vectors begin after the derivation.
#[derive(Debug)]
struct Given([&'static str; 3]);

impl SrtpProvider for Given {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        from_feature_flags().srtp_provider.aes_128_cm_sha1_80()
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        from_feature_flags().srtp_provider.aead_aes_128_gcm()
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        from_feature_flags().srtp_provider.aead_aes_256_gcm()
    }

    fn srtp_aes_128_ecb_round(&self, _: &[u8], input: &[u8], output: &mut [u8]) {
        // The master salt is zero, so the block is the label and a counter.
        let mut whole = hex(self.0[usize::from(input[7]) % 3]);
        whole.resize(48, 0);
        let at = 16 * usize::from(input[15]);
        output[..16].copy_from_slice(&whole[at..at + 16]);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        self.srtp_aes_128_ecb_round(key, input, output);
    }
}

/// Contexts whose session keys are these.
fn given(profile: SrtpProfile, keys: &'static Given) -> (Sealer, Opener) {
    let provider = CryptoProvider {
        srtp_provider: keys,
        ..from_feature_flags()
    };
    let (key, salt) = match profile {
        SrtpProfile::AEAD_AES_256_GCM => (32, 12),
        SrtpProfile::AEAD_AES_128_GCM => (16, 12),
        _ => (16, 14),
    };
    let keying = both(profile, &vec![0; key], &vec![0; salt]);
    contexts(&keying, &provider).expect("keys that fit")
}

const GCM_SALT: &str = "51756964 2070726f 2071756f";
static GCM_128: Given = Given(["00010203 04050607 08090a0b 0c0d0e0f", "", GCM_SALT]);
static GCM_256: Given = Given([
    "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f",
    "",
    GCM_SALT,
]);

#[test]
fn session_keys_are_derived_as_rfc_3711_appendix_b_3_says() {
    // The master key and salt there, and what must come of them.
    static DERIVED: Given = Given([
        "C61E7A93744F39EE10734AFE3FF7A087",
        "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
        "30CBBC08863D8C85D49DB34A9AE1",
    ]);
    let profile = SrtpProfile::AES128_CM_SHA1_80;
    let master = both(
        profile,
        &hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &hex("0EC675AD498AFEEBB6960B3AABE6"),
    );
    let (ours, _) = contexts(&master, &from_feature_flags()).expect("keys that fit");
    let (theirs, _) = given(profile, &DERIVED);
    let packet: Vec<u8> = (0..100).collect();
    for index in [0, 1, 0xffff, 0x1_0000, 0x1_2345_6789] {
        assert_eq!(
            sealed(&ours, &packet, 12, 0xcafe, index),
            sealed(&theirs, &packet, 12, 0xcafe, index)
        );
    }
}

#[test]
fn the_keystream_is_that_of_rfc_3711_appendix_b_2() {
    static KEYS: Given = Given([
        "2B7E151628AED2A6ABF7158809CF4F3C",
        "",
        "F0F1F2F3F4F5F6F7F8F9FAFBFCFD",
    ]);
    let (sealer, _) = given(SrtpProfile::AES128_CM_SHA1_80, &KEYS);
    // SSRC and index are zero there, and nothing is encrypted.
    let mut packet = vec![0; 12 + 48];
    packet[0] = 0x80;
    let keystream = hex(
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
         41E95B3BB0A2E8DD477901E4FCA894C0",
    );
    assert_eq!(sealed(&sealer, &packet, 12, 0, 0)[12..60], keystream);
}

#[test]
fn packets_are_sealed_as_in_rfc_7714_section_16() {
    let header = hex("8040f17b 8041f8d3 5501a0b2");
    let packet = [&header[..], b"Gallia est omnis divisa in partes tres"].concat();
    let cases = [
        (
            SrtpProfile::AEAD_AES_128_GCM,
            &GCM_128,
            "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
             36de3adf 8833 899d7f27 beb16a91 52cf765e e4390cce",
        ),
        (
            SrtpProfile::AEAD_AES_256_GCM,
            &GCM_256,
            "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f
             1ba63799 b87b 7aa3db36 dfffd6b0 f9bb7878 d7a76c13",
        ),
    ];
    for (profile, keys, expected) in cases {
        let (sealer, _) = given(profile, keys);
        let sealed = sealed(&sealer, &packet, 12, 0x5501_a0b2, 0xf17b);
        assert_eq!(
            sealed,
            [&header[..], &hex(expected)].concat(),
            "{profile:?}"
        );
    }
}

#[test]
fn reports_are_sealed_and_opened_as_in_rfc_7714_section_17() {
    let plain = hex(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    let cases = [
        (
            SrtpProfile::AEAD_AES_128_GCM,
            &GCM_128,
            "63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
             4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade",
        ),
        (
            SrtpProfile::AEAD_AES_256_GCM,
            &GCM_256,
            "d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
             8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be",
        ),
    ];
    for (profile, keys, expected) in cases {
        let (mut sealer, mut opener) = given(profile, keys);
        let vector = [&plain[..8], &hex(expected), &hex("800005d4")].concat();
        // The vector's index is that of the 1492nd report.
        let last = (0..0x5d4)
            .map(|_| sealed_report(&mut sealer, &plain))
            .last();
        assert_eq!(last.as_ref(), Some(&vector), "{profile:?}");
        assert_eq!(opened(&mut opener, &vector).as_ref(), Ok(&plain));
    }
}

// ---- packets ----------------------------------------------------------------------------------

#[test]
fn the_header_stays_readable_and_the_payload_does_not() {
    for profile in PROFILES {
        let (sealer, _) = side(profile, true);
        let packet = vec![0x55; 200];
        let sealed = sealed(&sealer, &packet, 20, 7, 9);
        assert_eq!(sealed[..20], packet[..20]);
        assert!(sealed[20..200].windows(8).all(|bytes| bytes != [0x55; 8]));
        assert!((1..=OVERHEAD).contains(&(sealed.len() - packet.len())));
    }
}

#[test]
fn every_number_rollover_and_stream_has_a_keystream_of_its_own() {
    for profile in PROFILES {
        let (sealer, _) = side(profile, true);
        let packet = vec![0; 60];
        let mut seen = HashSet::new();
        for ssrc in [1, 2, 0x0100_0000] {
            // The same 16 bits in the header each time: only the rollover counter differs.
            for index in [5, 0x1_0005, 0x2_0005, 0x1_0000_0005, 6] {
                let bytes = sealed(&sealer, &packet, 12, ssrc, index);
                assert!(
                    seen.insert(bytes[12..].to_vec()),
                    "{profile:?} {ssrc} {index}"
                );
            }
        }
    }
}

#[test]
fn both_directions_have_their_own_keys() {
    for profile in PROFILES {
        let packet = vec![0; 60];
        let (ours, theirs) = (side(profile, true).0, side(profile, false).0);
        assert_ne!(
            sealed(&ours, &packet, 12, 1, 1),
            sealed(&theirs, &packet, 12, 1, 1)
        );
    }
}

#[test]
fn the_header_is_under_the_seal() {
    for profile in PROFILES {
        let (sealer, _) = side(profile, true);
        let mut packet = vec![0; 60];
        let tag = |packet: &[u8]| sealed(&sealer, packet, 12, 1, 1)[packet.len()..].to_vec();
        let before = tag(&packet);
        packet[1] ^= 0x80;
        assert_ne!(before, tag(&packet), "{profile:?}");
    }
}

// ---- reports ----------------------------------------------------------------------------------

#[test]
fn a_report_comes_back_as_it_was_in_both_directions() {
    for profile in PROFILES {
        let (mut our_sealer, mut our_opener) = side(profile, true);
        let (mut their_sealer, mut their_opener) = side(profile, false);
        for bytes in [0, 4, 100, 1400] {
            let report = report(99, bytes);
            let sent = sealed_report(&mut our_sealer, &report);
            assert_eq!(opened(&mut their_opener, &sent).as_ref(), Ok(&report));
            let sent = sealed_report(&mut their_sealer, &report);
            assert_eq!(opened(&mut our_opener, &sent).as_ref(), Ok(&report));
        }
    }
}

#[test]
fn a_report_that_was_changed_anywhere_is_forged() {
    for profile in PROFILES {
        let (mut sealer, _) = side(profile, true);
        let (_, mut opener) = side(profile, false);
        let sent = sealed_report(&mut sealer, &report(99, 20));
        for at in 0..sent.len() {
            for bit in [1, 0x80] {
                let mut changed = sent.clone();
                changed[at] ^= bit;
                let refused = opened(&mut opener, &changed).expect_err("no such report was sent");
                // Without the flag that says so it is not even encrypted.
                let plain = refused == Refused::Malformed && bit == 0x80;
                assert!(refused == Refused::Forged || plain, "{profile:?} byte {at}");
            }
        }
        // None of that used up its number.
        assert!(opened(&mut opener, &sent).is_ok());
    }
}

#[test]
fn a_report_of_another_session_is_forged() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = side(profile, true);
        let sent = sealed_report(&mut sealer, &report(99, 20));
        assert_eq!(opened(&mut opener, &sent), Err(Refused::Forged));
    }
}

#[test]
fn a_report_cut_short_is_refused_at_every_length() {
    for profile in PROFILES {
        let (mut sealer, _) = side(profile, true);
        let (_, mut opener) = side(profile, false);
        let sent = sealed_report(&mut sealer, &report(99, 20));
        for end in 0..sent.len() {
            assert!(opened(&mut opener, &sent[..end]).is_err(), "{end} bytes");
        }
        // No room for what it holds.
        assert_eq!(opener.rtcp(&sent, &mut [0; 16]), Err(Refused::Malformed));
        assert!(opened(&mut opener, &sent).is_ok());
    }
}

#[test]
fn a_report_is_taken_once_and_may_come_late() {
    for profile in PROFILES {
        let (mut sealer, _) = side(profile, true);
        let (_, mut opener) = side(profile, false);
        let sent: Vec<_> = (0..200)
            .map(|_| sealed_report(&mut sealer, &report(99, 4)))
            .collect();
        for at in [100, 99, 120, 101, 57] {
            assert!(opened(&mut opener, &sent[at]).is_ok(), "{at}");
            assert_eq!(opened(&mut opener, &sent[at]), Err(Refused::Replayed));
        }
        // Too old to tell.
        assert_eq!(opened(&mut opener, &sent[56]), Err(Refused::Replayed));
        assert!(opened(&mut opener, &sent[199]).is_ok());
        assert_eq!(opened(&mut opener, &sent[120]), Err(Refused::Replayed));
    }
}

#[test]
fn a_number_that_comes_next_is_expected() {
    let (mut sealer, _) = side(SrtpProfile::AEAD_AES_128_GCM, true);
    let (_, mut opener) = side(SrtpProfile::AEAD_AES_128_GCM, false);
    let reports: Vec<_> = (0..70)
        .map(|_| sealed_report(&mut sealer, &report(7, 20)))
        .collect();
    // Of a sender that was never heard nothing is known.
    assert!(!opener.expects(&reports[0]));
    opened(&mut opener, &reports[2]).expect("a good report");
    let expected: Vec<usize> = (0..70).filter(|n| opener.expects(&reports[*n])).collect();
    assert_eq!(expected, (3..=66).collect::<Vec<_>>());
    let mut changed = reports[3].clone();
    changed[4] ^= 1;
    assert!(!opener.expects(&changed), "another sender");
    for length in 0..28 {
        assert!(!opener.expects(&reports[3][..length]), "{length} bytes");
    }
}

#[test]
fn each_sender_in_a_session_counts_by_itself() {
    for profile in PROFILES {
        // As a library with a context for each SSRC numbers its reports.
        let (_, mut opener) = side(profile, false);
        let numbered = |ssrc: u32, count: usize| -> Vec<Vec<u8>> {
            let (mut sealer, _) = side(profile, true);
            let report = report(ssrc, 4);
            (0..count)
                .map(|_| sealed_report(&mut sealer, &report))
                .collect()
        };
        let (sound, picture) = (numbered(1, 3), numbered(2, 300));
        for sent in &picture {
            assert!(opened(&mut opener, sent).is_ok());
        }
        for sent in &sound {
            assert!(opened(&mut opener, sent).is_ok());
            assert_eq!(opened(&mut opener, sent), Err(Refused::Replayed));
        }
        assert_eq!(opened(&mut opener, &picture[299]), Err(Refused::Replayed));
        // Not forgotten for a handful of others.
        for ssrc in 100..114 {
            assert!(opened(&mut opener, &numbered(ssrc, 1)[0]).is_ok());
            assert_eq!(opened(&mut opener, &picture[299]), Err(Refused::Replayed));
        }
    }
}

// ---- keys -------------------------------------------------------------------------------------

#[test]
fn material_that_does_not_fit_its_profile_is_refused() {
    for profile in PROFILES {
        for length in [0, 55, 57, 59, 61, 87, 89] {
            let keying = Keying {
                profile,
                material: vec![1; length],
                active: true,
            };
            let made = contexts(&keying, &from_feature_flags());
            assert_eq!(made.err(), Some(BadKeying), "{profile:?} {length}");
        }
    }
}
