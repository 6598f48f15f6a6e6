//! Every finding of trust, made at least once.

use super::super::session::no_randomness;
use super::*;
use crate::error::Error;

/// A finding that must be made, and the one that was made.
type Case = (ErrorKind, Error);

fn packet() -> Vec<u8> {
    message(1, &[3, 4], vec![1.0; 12]).encode(&EncodeOptions::default()).unwrap()
}

fn sealed() -> Vec<u8> {
    sealers(1)[1].seal(&packet()).unwrap()
}

/// The error for the sealed packet with a changed seal.
fn refused(change: impl Fn(&mut Vec<u8>)) -> Error {
    let mut parts = Parts::of(&sealed());
    change(parts.seal());
    verifier(1).verify(&parts.join(), &limits()).unwrap_err()
}

fn of_seals() -> Vec<Case> {
    use ErrorKind as Kind;
    let bytes = sealed();
    let seal_at = Seal::of(&parse(&bytes)).unwrap().unwrap().offset;
    let with_cuts = |cuts: &[u8]| refused(|seal| drop(seal.splice(33..34, cuts.iter().copied())));
    let cut = |index, rows| [&[1, index, rows][..], &[0; 32]].concat();
    let mut expecting = verifier(1).expecting_sessions();
    let mut twice = verifier(1);
    twice.verify(&bytes, &limits()).unwrap();
    let unsealed = verifier(1).verify(&packet(), &limits()).unwrap_err();
    let at_seal = [
        (Kind::SealAlgorithm, refused(|seal| seal[0] = 0)),
        (Kind::SealAlgorithm, refused(|seal| seal[0] = 4)),
        (Kind::SealKey, refused(|seal| seal[1] ^= 1)),
        (Kind::SealKey, refused(|seal| seal[0] = 1)), // a key of another algorithm
        (Kind::SealTag, refused(|seal| *seal.last_mut().unwrap() ^= 1)),
        (Kind::SealTag, verifier(2).verify(&bytes, &limits()).unwrap_err()),
        (Kind::SealSession, expecting.verify(&bytes, &limits()).unwrap_err()),
        (Kind::SealReplay, twice.verify(&bytes, &limits()).unwrap_err()),
        (Kind::LimitSessions, {
            verifier(1).with_max_sessions(0).verify(&bytes, &limits()).unwrap_err()
        }),
    ];
    for (_, error) in &at_seal {
        assert_eq!(error.offset(), Some(seal_at), "{error}");
    }
    let mut cases = vec![
        (Kind::SealMissing, unsealed),
        (Kind::SealMissing, parse(&packet()).truncate_sealed(1, &limits()).unwrap_err()),
        (Kind::SealLayout, refused(|seal| seal.push(0))),
        (Kind::FieldOverrun, refused(|seal| seal.truncate(65))),
        (Kind::FieldOverrun, refused(|seal| seal.truncate(20))),
        (Kind::SealLayout, with_cuts(&[2])), // more cuts than tensors
        (Kind::SealLayout, with_cuts(&cut(1, 9))), // no such tensor
        (Kind::SealLayout, with_cuts(&cut(0, 3))), // not cut
        (Kind::SealTag, with_cuts(&cut(0, 4))),
        (Kind::SealKey, VerifyKey::ed25519(KeyId([0; 8]), [0; 32]).unwrap_err()),
        (Kind::SealKey, VerifyKey::ed25519(KeyId([0; 8]), [2; 32]).unwrap_err()),
    ];
    cases.extend(at_seal);
    cases
}

fn of_envelopes() -> Vec<Case> {
    use ErrorKind as Kind;
    let key = |id, seed| EnvelopeKey::new(KeyId([id; 8]), [seed; 32]);
    let encrypted = Encryptor::new(key(1, 1)).unwrap().encrypt(&packet()).unwrap();
    let open = |bytes: &[u8], key: &EnvelopeKey| decrypt(bytes, key, &limits()).unwrap_err();
    let patched = |at: usize, byte: u8| {
        let mut bytes = encrypted.clone();
        bytes[at] = byte;
        resummed(bytes)
    };
    let front = if encrypted[7] < 0x80 { 8 } else { 9 };
    let short = [&[1][..], &[1; 8], &[0; 24], &[0; 16]].concat();
    let mut flipped = encrypted.clone();
    flipped[front + 40] ^= 1;
    let tight = limits().with_total_bytes(encrypted.len() - 1);
    vec![
        (Kind::PacketTruncated, open(&encrypted[..encrypted.len() - 1], &key(1, 1))),
        (Kind::PacketTrailingBytes, open(&[&encrypted[..], &[0]].concat(), &key(1, 1))),
        (Kind::ChecksumMismatch, open(&flipped, &key(1, 1))),
        (Kind::LimitTotalBytes, decrypt(&encrypted, &key(1, 1), &tight).unwrap_err()),
        (Kind::PreambleProfile, open(&packet(), &key(1, 1))),
        (Kind::PreambleProfile, open(&patched(6, 3), &key(1, 1))),
        (Kind::PreambleFlags, open(&patched(6, 6), &key(1, 1))),
        (Kind::EnvelopeSuite, open(&patched(front, 2), &key(1, 1))),
        (Kind::EnvelopeKey, open(&encrypted, &key(2, 1))),
        (Kind::EnvelopeTag, open(&encrypted, &key(1, 2))),
        (Kind::EnvelopeTag, open(&resummed(flipped), &key(1, 1))),
        (Kind::EnvelopeTag, open(&patched(5, 1), &key(1, 1))),
        (Kind::FieldOverrun, open(&mended(2, &short), &key(1, 1))),
        (Kind::FieldOverrun, open(&mended(2, &[1, 2]), &key(1, 1))),
    ]
}

fn of_writing() -> Vec<Case> {
    use ErrorKind as Kind;
    let [key, ..] = keys(1);
    let mut used_up = Sealer::at(key, SessionId([0; 16]), u64::MAX);
    used_up.seal(&packet()).unwrap();
    let mut encryptor =
        Encryptor::at(EnvelopeKey::new(KeyId([0; 8]), [0; 32]), SessionId([0; 16]), u64::MAX);
    encryptor.encrypt(&packet()).unwrap();
    vec![
        (Kind::MessageSeal, sealers(1)[0].seal(&sealed()).unwrap_err()),
        (Kind::MessageSequence, used_up.seal(&packet()).unwrap_err()),
        (Kind::MessageSequence, encryptor.encrypt(&packet()).unwrap_err()),
        (Kind::MessageRandom, no_randomness(getrandom::Error::UNSUPPORTED)),
    ]
}

/// For the test that every finding there is was made.
pub(crate) fn refusals() -> Vec<Case> {
    let cases = [of_seals(), of_envelopes(), of_writing()].concat();
    for (expected, error) in &cases {
        assert_eq!(error.kind(), *expected, "{error}");
    }
    cases
}

#[test]
fn every_finding_of_trust_is_made() {
    let made: Vec<_> = refusals().iter().map(|(kind, _)| kind.id()).collect();
    let mut all = ErrorKind::ALL.iter().map(|kind| kind.id());
    assert!(all.clone().any(|id| id.starts_with("seal.")));
    let missing = all
        .find(|id| (id.starts_with("seal.") || id.starts_with("envelope.")) && !made.contains(id));
    assert_eq!(missing, None);
}

/// A route that means something else to the other end does not go unnoticed.
#[test]
fn a_seal_covers_what_its_route_stands_for() {
    let compact = parse(&packet()).to_compact(&route()).unwrap();
    let sealed = sealers(1)[0].seal_on(&compact, &route()).unwrap();
    let mut others = [route(); 3];
    others[0].space.fingerprint.0[0] ^= 1;
    others[1].message_prefix[0] ^= 1;
    others[2].sender.revision = "r2";
    for other in &others {
        let error = verifier(1).verify_on(&sealed, other, &limits()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SealTag);
    }
    let without = verifier(1).verify(&sealed, &limits()).unwrap_err();
    assert_eq!(without.kind(), ErrorKind::HeaderRoute);
    verifier(1).verify_on(&sealed, &route(), &limits()).unwrap();
}
