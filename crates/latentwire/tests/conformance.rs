//! Golden packets of every released version, read by this one.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use latentwire::{EncodeOptions, Encoding, ErrorKind, Family, Limits, Message, ModelRef, Packet};
use serde_json::{Value, json};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut found: Vec<_> = fs::read_dir(root)
        .expect("tests/conformance")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("manifest.json").is_file())
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// The vectors of one kind, `valid` or `invalid`, of all versions: description and bytes.
fn vectors(kind: &str) -> Vec<(Value, Vec<u8>)> {
    let mut vectors = Vec::new();
    for folder in folders() {
        let text = fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        for vector in manifest.get(kind).and_then(Value::as_array).expect("a list") {
            let file = vector["file"].as_str().expect("a file name");
            vectors.push((vector.clone(), fs::read(folder.join(file)).expect("a vector")));
        }
    }
    vectors
}

/// Whether this build has the lossless stage that a valid vector uses.
fn can_read(vector: &Value) -> bool {
    vector["compression"] == "none" || cfg!(feature = "zstd")
}

fn read<'a>(packet: &Packet<'a>) -> Message<'a> {
    packet.decode(&Limits::default()).expect("valid latents")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn numbers(latents: &[f32]) -> String {
    hex(&latents.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

/// The latents that `given_f32_le` describes.
fn given(vector: &Value) -> Vec<f32> {
    let digits = vector["given_f32_le"].as_str().expect("hexadecimal digits").as_bytes();
    let number = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).expect("hexadecimal digits");
        f32::from_bits(u32::from_str_radix(digits, 16).expect("8 digits").swap_bytes())
    };
    digits.chunks(8).map(number).collect()
}

fn model(model: &ModelRef<'_>) -> Value {
    json!({
        "name": model.name,
        "revision": model.revision,
        "fingerprint": model.fingerprint.to_string(),
    })
}

fn options(vector: &Value) -> EncodeOptions {
    let name = vector["encoding"].as_str().expect("a name");
    EncodeOptions::default().with_encoding(Encoding::from_name(name).expect("a known encoding"))
}

#[test]
fn valid_packets_decode_to_what_the_manifest_says() {
    for (vector, bytes) in vectors("valid").into_iter().filter(|(vector, _)| can_read(vector)) {
        let packet = Packet::parse(&bytes, &Limits::default()).expect("a valid packet");
        let message = read(&packet);
        let (header, info, version) = (packet.header(), packet.latents(), packet.version());
        let section = |section: &latentwire::Section<'_>| json!({"type": section.section_type, "body": hex(section.body)});
        let found = json!({
            "file": vector["file"],
            "canonical": vector["canonical"],
            "given_f32_le": vector["given_f32_le"],
            "version": format!("{}.{}", version.major, version.minor),
            "message_id": header.message_id.to_string(),
            "sender": model(&header.sender),
            "receiver": header.receiver.as_ref().map(model),
            "space": {
                "name": header.space.name,
                "fingerprint": header.space.fingerprint.to_string(),
            },
            "encoding": info.layout.encoding.name(),
            "compression": info.stage.name(),
            "shape": info.shape.extents(),
            "sections": message.sections.iter().map(section).collect::<Vec<_>>(),
            "latents_f32_le": numbers(&message.latents),
        });
        assert_eq!(found, vector);
    }
}

#[test]
fn what_was_given_and_what_was_decoded_write_the_bytes_of_canonical_vectors() {
    for (vector, bytes) in vectors("valid").into_iter().filter(|(vector, _)| can_read(vector)) {
        let packet = Packet::parse(&bytes, &Limits::default()).expect("a valid packet");
        let decoded = read(&packet);
        let given = Message { latents: Cow::Owned(given(&vector)), ..decoded.clone() };
        let written = given.encode(&options(&vector)).expect("a message");
        assert_eq!(decoded.encode(&options(&vector)).expect("a message"), written);
        if vector["canonical"] == true {
            assert_eq!(written, bytes, "{}", vector["file"]);
        } else {
            let again = Packet::parse(&written, &Limits::default()).expect("a packet");
            assert_eq!(read(&again), decoded, "{}", vector["file"]);
        }
    }
}

/// Not the bytes of the vector: another zstd may write others. But they must be read alike.
#[cfg(feature = "zstd")]
#[test]
fn compressed_vectors_can_be_compressed_again() {
    let is_compressed = |vector: &Value| vector["compression"] == "zstd";
    for (vector, bytes) in vectors("valid").into_iter().filter(|(vector, _)| is_compressed(vector))
    {
        let decoded = read(&Packet::parse(&bytes, &Limits::default()).expect("a valid packet"));
        let zstd = options(&vector).with_compression(latentwire::Compression::Zstd { level: 1 });
        let written = decoded.encode(&zstd).expect("a message");
        let again = Packet::parse(&written, &Limits::default()).expect("a packet");
        assert_eq!(again.latents().stage.name(), "zstd");
        assert_eq!(read(&again), decoded);
    }
}

#[test]
fn invalid_packets_are_refused_for_the_reason_that_the_manifest_gives() {
    for (vector, bytes) in vectors("invalid") {
        let limits = Limits::default();
        let found = Packet::parse(&bytes, &limits).and_then(|packet| packet.decode(&limits));
        let error = found.expect_err("an invalid packet");
        let lacks_zstd = !cfg!(feature = "zstd") && error.kind() == ErrorKind::LatentsStage;
        if !lacks_zstd {
            assert_eq!(vector["error"], error.kind().id(), "{}", vector["file"]);
        }
    }
}

#[test]
fn every_finding_about_bytes_has_a_vector() {
    let found: BTreeSet<_> = vectors("invalid")
        .into_iter()
        .filter_map(|(vector, _)| vector["error"].as_str().map(str::to_owned))
        .collect();
    let expected: BTreeSet<_> = ErrorKind::ALL
        .iter()
        .filter(|kind| kind.family() != Family::InvalidMessage)
        .map(|kind| kind.id().to_owned())
        .collect();
    assert_eq!(found, expected);
}
