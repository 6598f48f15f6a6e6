//! Fixed keys, a fixed session: these bytes and no others, for whoever writes a second implementation.

use super::*;

/// The digits of a vector in one line.
fn digits(text: &str) -> String {
    text.split_whitespace().collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The packet of the specification's last section, in self-contained form.
fn example() -> Vec<u8> {
    Message {
        header: Header {
            message_id: MessageId(std::array::from_fn(|index| index as u8)),
            sender: ModelRef { fingerprint: Fingerprint([0x11; 16]), name: "a", revision: "" },
            receiver: None,
            space: SpaceRef { fingerprint: Fingerprint([0x22; 16]), name: "s" },
        },
        latents: vec![Latents::new(
            Shape::new(&[2, 3]).unwrap(),
            vec![0.5, -1.0, 0.25, 0.0, 2.0, -2.0],
        )],
        sections: Vec::new(),
    }
    .encode(&EncodeOptions::default())
    .unwrap()
}

const SESSION: SessionId = SessionId(*b"0123456789abcdef");

fn key_bytes() -> [u8; 32] {
    std::array::from_fn(|index| index as u8)
}

#[test]
fn seals_have_these_bodies() {
    let id = KeyId(*b"test key");
    let keys = [
        (SealKey::hmac_sha256(id, key_bytes()), HMAC, HMAC_CUT),
        (SealKey::blake3(id, key_bytes()), BLAKE3, BLAKE3_CUT),
        (SealKey::ed25519(id, key_bytes()), ED25519, ED25519_CUT),
    ];
    for (key, expected, expected_cut) in keys {
        let mut verifier = Verifier::new([key.verify_key()]);
        let name = key.algorithm().name();
        let sealed = Sealer::at(key, SESSION, 7).seal(&example()).unwrap();
        assert_eq!(hex(Parts::of(&sealed).seal()), digits(expected), "{name}");
        let cut = parse(&sealed).truncate_sealed(1, &limits()).unwrap();
        assert_eq!(hex(Parts::of(&cut).seal()), digits(expected_cut), "{name}, cut");
        verifier.verify(&cut, &limits()).unwrap();
    }
}

#[test]
fn an_envelope_has_these_bytes() {
    let key = EnvelopeKey::new(KeyId(*b"test key"), key_bytes());
    let encrypted = Encryptor::at(key, SESSION, 7).encrypt(&example()).unwrap();
    assert_eq!(hex(&encrypted), digits(ENVELOPE));
}

#[test]
fn a_digest_has_these_bytes() {
    let digest = parse(&example()).digest(&limits()).unwrap();
    assert_eq!(digest.to_string(), DIGEST);
}

const HMAC: &str = "
    0174657374206b65793031323334353637383961626364656607000000000000000024dbd6335142
    c577cb75cf601e37c72244657ca4846be389f280c41f7b75e1c5
";
const HMAC_CUT: &str = "
    0174657374206b65793031323334353637383961626364656607000000000000000100025532fc71
    9cfe3548810608c7990cec5282e935f0e5f07fe8a4c2fbaf9f5b8a7424dbd6335142c577cb75cf60
    1e37c72244657ca4846be389f280c41f7b75e1c5
";
const BLAKE3: &str = "
    0274657374206b6579303132333435363738396162636465660700000000000000001540c87fca3c
    54c9918dc4873b82c8b5a25c0f3e0d0bbaaed708df297ee16e70
";
const BLAKE3_CUT: &str = "
    0274657374206b65793031323334353637383961626364656607000000000000000100027e3d1832
    bb4cd870011cee2ee48632eb5b1efbb0fe488e60c3bf01fd820dcaca1540c87fca3c54c9918dc487
    3b82c8b5a25c0f3e0d0bbaaed708df297ee16e70
";
const ED25519: &str = "
    0374657374206b6579303132333435363738396162636465660700000000000000003eeabc1f0b6d
    f6274bb328c24e77cde426887dd03c11836129430ab5e57027eeccab4fde496c023d997521ebd295
    f6a6796270544069a15d7f99c3807364f907
";
const ED25519_CUT: &str = "
    0374657374206b65793031323334353637383961626364656607000000000000000100025532fc71
    9cfe3548810608c7990cec5282e935f0e5f07fe8a4c2fbaf9f5b8a743eeabc1f0b6df6274bb328c2
    4e77cde426887dd03c11836129430ab5e57027eeccab4fde496c023d997521ebd295f6a679627054
    4069a15d7f99c3807364f907
";
const ENVELOPE: &str = "
    894c57500100027c0174657374206b65793031323334353637383961626364656607000000000000
    000fa5bf168dc667ac2c06b8f56b69ff4334ef4387df205d891d415a3e9deb9480b9e461fe3e8f11
    343086614e2dfe28274c93ba409439488e48a507d5ffd2d8310c8e2013f995119e8de7961d0db163
    d84002808bf6b739faa80722
";
const DIGEST: &str = "f4ca98b14df8ef292c3a52e712e5a221";
