//! What was encrypted comes out to the byte, and nothing else does.

use proptest::prelude::*;

use super::*;

fn key(seed: u8) -> EnvelopeKey {
    EnvelopeKey::new(KeyId([8; 8]), [seed; 32])
}

/// A packet of either profile, sealed or not.
fn inner(kind: usize) -> Vec<u8> {
    let bytes = any_packet(&mut Dice(kind as u64), kind);
    let bytes =
        if kind.is_multiple_of(3) { parse(&bytes).to_compact(&route()).unwrap() } else { bytes };
    if kind.is_multiple_of(2) { bytes } else { sealers(1)[1].seal_on(&bytes, &route()).unwrap() }
}

proptest! {
    #[test]
    fn packets_come_out_to_the_byte(kind in 0_usize..120) {
        let given = inner(kind);
        let encrypted = Encryptor::new(key(1)).unwrap().encrypt(&given).unwrap();
        prop_assert_eq!(decrypt(&encrypted, &key(1), &limits()).unwrap(), given);
        let plain = Packet::parse(&encrypted, &limits()).unwrap_err();
        prop_assert_eq!(plain.kind(), ErrorKind::PreambleProfile);
    }

    #[test]
    fn an_altered_envelope_is_not_opened(
        kind in 0_usize..120,
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut encrypted = Encryptor::new(key(1)).unwrap().encrypt(&inner(kind)).unwrap();
        let at = place.index(encrypted.len());
        encrypted[at] ^= 1 << bit;
        prop_assert!(decrypt(&encrypted, &key(1), &limits()).is_err());
        let end = encrypted.len() - checksum::LEN;
        if at < end {
            prop_assert!(decrypt(&resummed(encrypted), &key(1), &limits()).is_err());
        }
    }

    #[test]
    fn any_bytes_in_an_envelope_are_refused(content in prop::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(decrypt(&mended(2, &content), &key(1), &limits()).is_err());
    }
}

#[test]
fn a_higher_minor_version_is_kept() {
    let mut given = inner(1);
    given[5] = 9;
    let given = resummed(given);
    let encrypted = Encryptor::new(key(1)).unwrap().encrypt(&given).unwrap();
    assert_eq!(encrypted[5], 9);
    assert_eq!(decrypt(&encrypted, &key(1), &limits()).unwrap(), given);
}

#[test]
fn an_envelope_takes_fifty_bytes() {
    let given = inner(0);
    let encrypted = Encryptor::new(key(1)).unwrap().encrypt(&given).unwrap();
    assert_eq!(encrypted.len() - given.len(), 50);
}

#[test]
fn no_nonce_comes_twice() {
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..4 {
        let mut encryptor = Encryptor::new(key(1)).unwrap();
        for _ in 0..64 {
            let encrypted = encryptor.encrypt(&inner(0)).unwrap();
            let mut cursor = Cursor::arriving(&encrypted);
            Preamble::read(&mut cursor, &limits()).unwrap();
            let nonce = encrypted[cursor.at() + 9..][..24].to_vec();
            assert_eq!(nonce[..16], encryptor.session().0);
            assert!(nonces.insert(nonce));
        }
    }
}

#[test]
fn only_a_sound_packet_is_encrypted() {
    let mut encryptor = Encryptor::new(key(1)).unwrap();
    let encrypted = encryptor.encrypt(&inner(0)).unwrap();
    let nested = encryptor.encrypt(&encrypted).unwrap_err();
    assert_eq!(nested.kind(), ErrorKind::PreambleProfile);
    let torn = encryptor.encrypt(&inner(0)[..20]).unwrap_err();
    assert_eq!(torn.kind(), ErrorKind::PacketTruncated);
}
