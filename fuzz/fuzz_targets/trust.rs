//! Any bytes as a sealed packet and as an encrypted one: verified and opened, or refused with an error
//! that has its place in them. What is sealed or encrypted here holds, and nothing that differs from it.

#![no_main]

use latentwire::trust::{self, Algorithm, Encryptor, SealKey, Sealer, Verifier};
use latentwire::{Error, ErrorKind, Family, Limits, Packet, SEAL, StreamPacket};
use latentwire_fuzz::trust::{envelope_key, mutate_trust, seal_keys};
use latentwire_fuzz::{correct_checksum, limits, resources};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

/// What reading takes beside the bytes: lists of sections and of cuts, the text of an error.
const SLACK: u64 = 256 << 10;
/// One packet of so many is signed: signatures take most of the time.
const SIGNED: u32 = 16;

fuzz_target!(|data: &[u8]| {
    let limits = limits();
    let memory = allocation_counter::measure(|| {
        verify(data, &limits);
        open(data, &limits);
    });
    let (peak, allowed) = (memory.bytes_max, 8 * data.len() as u64 + SLACK);
    assert!(peak <= allowed, "{peak} bytes allocated where {allowed} are allowed");
    if let Ok(packet) = Packet::parse(data, &limits) {
        seal_again(&packet, &limits);
        encrypt_again(data, &limits);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_trust(data, size, max_size, seed)
});

fn verifier() -> Verifier {
    Verifier::new(seal_keys().map(|key| key.verify_key()))
}

fn check_error(data: &[u8], error: &Error) {
    assert_ne!(error.kind().family(), Family::InvalidMessage, "{error}");
    assert!(error.offset().is_none_or(|offset| offset <= data.len()), "{error}");
    assert!(!error.to_string().is_empty());
}

/// Verified once, a packet is refused the second time; cut to its first row it is verified or refused
/// as it was before.
fn verify(data: &[u8], limits: &Limits) {
    let Ok(packet) = Packet::parse(data, limits) else {
        let error = verifier().verify(data, limits).expect_err("no packet");
        return check_error(data, &error);
    };
    let resources = resources(&packet);
    let route = resources.route().expect("a route");
    let mut verifier_of_data = verifier();
    let outcome = verifier_of_data.verify_on(data, route, limits).map(|verified| {
        assert_eq!(verified.packet().as_bytes(), data);
        verified.unsealed().expect("the packet without its seal")
    });
    match &outcome {
        Ok(unsealed) => {
            let unsealed = Packet::parse(unsealed, limits).expect("a packet");
            if let Ok(digest) = packet.digest_with(&resources, limits) {
                assert_eq!(unsealed.digest_with(&resources, limits).expect("a digest"), digest);
            }
            let again = verifier_of_data.verify_on(data, route, limits).expect_err("a replay");
            assert_eq!(again.kind(), ErrorKind::SealReplay, "{again}");
        }
        Err(error) => check_error(data, error),
    }
    let Ok(cut) = packet.truncate_sealed(1, limits) else { return };
    let cut_outcome = verifier().verify_on(&cut, route, limits);
    assert_eq!(cut_outcome.map(drop).map_err(|error| error.kind()), {
        outcome.map(drop).map_err(|error| error.kind())
    });
}

/// What an envelope holds has a sound frame, and comes out of another envelope to the byte.
fn open(data: &[u8], limits: &Limits) {
    match trust::decrypt(data, &envelope_key(), limits) {
        Ok(inside) => {
            StreamPacket::new(0, &inside, limits).expect("a sound frame");
            assert!(inside.len() < data.len());
            if let Err(error) = Packet::parse(&inside, limits) {
                check_error(&inside, &error);
            }
        }
        Err(error) => check_error(data, &error),
    }
}

/// A packet that is sealed here is accepted, and with one bit flipped it is not.
fn seal_again(packet: &Packet<'_>, limits: &Limits) {
    if packet.sections().iter().any(|section| section.section_type == SEAL) {
        return;
    }
    let resources = resources(packet);
    let route = resources.route().expect("a route");
    let choice = crc32c::crc32c(packet.as_bytes());
    let sealed = sealer(choice).seal_on(packet.as_bytes(), route).expect("a packet without a seal");
    // A packet may become longer by being cut: a link can take more than the rows that are gone.
    let limits = limits.with_total_bytes(usize::MAX).with_sections(limits.sections() + 1);
    let verified = verifier().verify_on(&sealed, route, &limits).map(|verified| verified.is_cut());
    assert_eq!(verified, Ok(false));
    let altered = flipped(&sealed, choice);
    let error = verifier().verify_on(&altered, route, &limits).expect_err("an altered packet");
    check_error(&altered, &error);
    if let Ok(cut) = Packet::parse(&sealed, &limits).and_then(|it| it.truncate_sealed(1, &limits)) {
        verifier().verify_on(&cut, route, &limits).expect("the first row of a sealed packet");
    }
}

fn sealer(choice: u32) -> Sealer {
    let is_chosen = |key: &SealKey| match key.algorithm() {
        Algorithm::Ed25519 => choice.is_multiple_of(SIGNED),
        Algorithm::HmacSha256 => choice % 2 == 1,
        _ => true,
    };
    let [hmac, blake3, ed25519] = seal_keys();
    let key = [ed25519, hmac, blake3].into_iter().find(is_chosen).expect("a key");
    Sealer::new(key).expect("random numbers")
}

/// A packet that is encrypted here is opened to the byte, and with one bit flipped it is not.
fn encrypt_again(data: &[u8], limits: &Limits) {
    let mut encryptor = Encryptor::new(envelope_key()).expect("random numbers");
    let encrypted = encryptor.encrypt(data).expect("a packet");
    let limits = limits.with_total_bytes(encrypted.len());
    assert_eq!(trust::decrypt(&encrypted, &envelope_key(), &limits).as_deref(), Ok(data));
    let altered = flipped(&encrypted, crc32c::crc32c(data));
    let error = trust::decrypt(&altered, &envelope_key(), &limits).expect_err("an altered packet");
    check_error(&altered, &error);
}

/// The packet with one bit flipped behind its preamble, and its checksum made right.
fn flipped(packet: &[u8], choice: u32) -> Vec<u8> {
    let mut flipped = packet.to_vec();
    let bits = 8 * (packet.len() - 12 - 4);
    let bit = choice as usize % bits;
    flipped[12 + bit / 8] ^= 1 << (bit % 8);
    correct_checksum(&mut flipped);
    flipped
}
