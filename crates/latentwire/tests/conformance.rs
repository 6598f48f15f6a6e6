//! Golden packets of every released version, read by this one.

use std::fs;
use std::path::{Path, PathBuf};

use latentwire::{EncodeOptions, Encoding, Limits, Packet};
use serde_json::Value;

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

fn manifest(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    serde_json::from_str(&text).expect("JSON")
}

fn read(folder: &Path, vector: &Value) -> Vec<u8> {
    fs::read(folder.join(vector["file"].as_str().expect("a file name"))).expect("a vector")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn valid_packets_decode_to_what_the_manifest_says() {
    for folder in folders() {
        for vector in manifest(&folder)["valid"].as_array().expect("a list") {
            let compressed = vector["compression"] == "zstd";
            if compressed && !cfg!(feature = "zstd") {
                continue;
            }
            let bytes = read(&folder, vector);
            let packet = Packet::parse(&bytes, &Limits::default()).expect("a valid packet");
            let message = packet.decode(&Limits::default()).expect("valid latents");
            let header = packet.header();
            assert_eq!(vector["message_id"], header.message_id.to_string());
            assert_eq!(vector["sender"]["name"], header.sender.name);
            assert_eq!(vector["space"]["fingerprint"], header.space.fingerprint.to_string());
            assert_eq!(
                vector["receiver"]["name"].as_str(),
                header.receiver.map(|receiver| receiver.name)
            );
            assert_eq!(vector["encoding"], packet.latents().layout.encoding.name());
            let shape: Vec<Value> =
                packet.latents().shape.extents().iter().map(|&extent| extent.into()).collect();
            assert_eq!(vector["shape"], Value::Array(shape));
            let latents: Vec<u8> =
                message.latents.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(vector["latents_f32_le"], hex(&latents), "{}", vector["file"]);
            for (section, described) in
                message.sections.iter().zip(vector["sections"].as_array().expect("a list"))
            {
                assert_eq!(described["type"], section.section_type);
                assert_eq!(described["body"], hex(section.body));
            }
            // What another zstd would make of it is not fixed by the specification.
            let encoding = Encoding::from_name(vector["encoding"].as_str().expect("a name"));
            let options =
                EncodeOptions::default().with_encoding(encoding.expect("a known encoding"));
            let again = message.encode(&options).expect("a message");
            if compressed {
                let plain = Packet::parse(&again, &Limits::default()).expect("a packet");
                assert_eq!(plain.decode(&Limits::default()).expect("latents"), message);
            } else {
                assert_eq!(again, bytes, "{}", vector["file"]);
            }
        }
    }
}

#[test]
fn invalid_packets_are_refused_for_the_reason_that_the_manifest_gives() {
    for folder in folders() {
        for vector in manifest(&folder)["invalid"].as_array().expect("a list") {
            let bytes = read(&folder, vector);
            let limits = Limits::default();
            let found = Packet::parse(&bytes, &limits).and_then(|packet| packet.decode(&limits));
            let error = found.expect_err("an invalid packet");
            assert_eq!(vector["error"], error.kind().id(), "{}", vector["file"]);
        }
    }
}
