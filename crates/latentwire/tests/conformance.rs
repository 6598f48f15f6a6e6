//! Golden packets of every released version, read by this one.

#![allow(clippy::indexing_slicing, reason = "a manifest without a key is a failure of the test")]

#[allow(dead_code, reason = "the generator of the vectors uses more of it")]
#[path = "../examples/conformance/description.rs"]
mod description;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use latentwire::{
    Dictionary, EncodeOptions, Encoding, EntropyTables, ErrorKind, Family, Fingerprint,
    Granularity, Limits, Message, ModelRef, Packet, Resources, Route, SpaceRef, Values,
};
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

/// Whether this build has the lossless stages that a valid vector uses.
fn can_read(vector: &Value) -> bool {
    tensors(vector).iter().all(|tensor| tensor["compression"] == "none") || cfg!(feature = "zstd")
}

fn tensors(vector: &Value) -> &[Value] {
    vector["tensors"].as_array().expect("a list")
}

/// The entropy tables and dictionaries that readers are given beside the packets.
fn resources() -> Resources<'static> {
    static LOADED: OnceLock<(Vec<EntropyTables>, Vec<Dictionary>)> = OnceLock::new();
    let (tables, dictionaries) = LOADED.get_or_init(load_resources);
    Resources::default().with_tables(tables).with_dictionaries(dictionaries)
}

fn load_resources() -> (Vec<EntropyTables>, Vec<Dictionary>) {
    let (mut tables, mut dictionaries) = (Vec::new(), Vec::new());
    for folder in folders() {
        let text = fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        for resource in manifest["resources"].as_array().expect("a list") {
            let file = resource["file"].as_str().expect("a file name");
            let bytes = fs::read(folder.join(file)).expect("a resource");
            let fingerprint = if resource["kind"] == "tables" {
                tables.push(EntropyTables::from_bytes(&bytes).expect("tables"));
                tables.last().map(EntropyTables::fingerprint)
            } else {
                dictionaries.push(Dictionary::new(bytes));
                dictionaries.last().map(Dictionary::fingerprint)
            };
            let fingerprint = fingerprint.map(|fingerprint| fingerprint.to_string());
            assert_eq!(fingerprint.as_deref(), resource["fingerprint"].as_str());
        }
    }
    (tables, dictionaries)
}

/// Reads all there is: the packet, its tensors, the bodies of its sections.
fn read_all(bytes: &[u8]) -> latentwire::Result<()> {
    let limits = Limits::default();
    let packet = Packet::parse(bytes, &limits)?;
    packet.decode_with(&resources(), &limits)?;
    packet.check_sections(&limits)
}

/// Sixteen or fewer bytes of hexadecimal digits.
fn bytes_of<const N: usize>(value: &Value) -> [u8; N] {
    let digits = value.as_str().expect("hexadecimal digits");
    std::array::from_fn(|index| {
        let pair = digits.get(2 * index..2 * index + 2).expect("two digits");
        u8::from_str_radix(pair, 16).expect("hexadecimal digits")
    })
}

fn model_of(value: &Value) -> ModelRef<'_> {
    ModelRef {
        fingerprint: Fingerprint(bytes_of(&value["fingerprint"])),
        name: value["name"].as_str().expect("a name"),
        revision: value["revision"].as_str().expect("a revision"),
    }
}

/// The route that a compact vector is of.
fn route(vector: &Value) -> Option<Route<'_>> {
    let route = &vector["route"];
    let receiver = &vector["receiver"];
    let codebook = &route["codebook"];
    route.is_object().then(|| Route {
        id: route["id"].as_u64().and_then(|id| u32::try_from(id).ok()).expect("a number"),
        message_prefix: bytes_of(&route["message_prefix"]),
        sender: model_of(&vector["sender"]),
        receiver: receiver.is_object().then(|| model_of(receiver)),
        space: SpaceRef {
            fingerprint: Fingerprint(bytes_of(&vector["space"]["fingerprint"])),
            name: vector["space"]["name"].as_str().expect("a name"),
        },
        codebook: codebook.is_string().then(|| Fingerprint(bytes_of(codebook))),
        dictionary: None,
        tables: None,
    })
}

fn read<'a>(packet: &Packet<'a>, vector: &'a Value) -> Message<'a> {
    match route(vector) {
        Some(route) => packet.decode_with(&resources().with_route(&route), &Limits::default()),
        None => packet.decode_with(&resources(), &Limits::default()),
    }
    .expect("valid latents")
}

fn write(message: &Message<'_>, vector: &Value, options: &EncodeOptions<'_>) -> Vec<u8> {
    match route(vector) {
        Some(route) => message.encode_on(&route, options),
        None => message.encode(options),
    }
    .expect("a message")
}

/// The message that a vector was made from: `decoded` with the numbers of `given_f32_le`.
fn given<'a>(decoded: &Message<'a>, vector: &Value) -> Message<'a> {
    let mut given = decoded.clone();
    for (latents, tensor) in given.latents.iter_mut().zip(tensors(vector)) {
        if let Some(digits) = tensor["given_f32_le"].as_str() {
            let number = |digits: &[u8]| {
                let digits = std::str::from_utf8(digits).expect("hexadecimal digits");
                f32::from_bits(u32::from_str_radix(digits, 16).expect("8 digits").swap_bytes())
            };
            let numbers: Vec<f32> = digits.as_bytes().chunks(8).map(number).collect();
            latents.values = Values::Numbers(numbers.into());
        }
    }
    given
}

/// How the first tensor of numbers was written; all of a message are written alike.
fn options(vector: &Value) -> EncodeOptions<'static> {
    let tensor = tensors(vector).first().expect("a tensor");
    let name = tensor["encoding"].as_str().expect("a name");
    let scales = &tensor["scales"];
    let granularity = match scales["granularity"].as_str() {
        None | Some("row") => Granularity::Row,
        Some("tensor") => Granularity::Tensor,
        Some("channel") => Granularity::Channel,
        Some(_) => {
            let size = scales["group"].as_u64().and_then(|size| u32::try_from(size).ok());
            Granularity::Group(size.expect("a number"))
        }
    };
    EncodeOptions::default()
        .with_encoding(Encoding::from_name(name).unwrap_or(Encoding::Int8))
        .with_granularity(granularity)
        .with_asymmetric(scales["asymmetric"] == true)
}

#[test]
fn valid_packets_decode_to_what_the_manifest_says() {
    for (vector, bytes) in vectors("valid").into_iter().filter(|(vector, _)| can_read(vector)) {
        let packet = Packet::parse(&bytes, &Limits::default()).expect("a valid packet");
        let message = read(&packet, &vector);
        packet.check_sections(&Limits::default()).expect("valid bodies");
        // What the manifest says beside what is found: the name, and what the packet was made from.
        let mut wanted = vector.clone();
        let fields = wanted.as_object_mut().expect("an object");
        for said in ["file", "canonical", "route"] {
            assert!(fields.remove(said).is_some(), "{said}");
        }
        for tensor in wanted["tensors"].as_array_mut().expect("a list") {
            tensor.as_object_mut().expect("an object").remove("given_f32_le");
        }
        assert_eq!(description::describe(&packet, &message), wanted, "{}", vector["file"]);
    }
}

#[test]
fn what_was_given_writes_the_bytes_of_canonical_vectors() {
    for (vector, bytes) in vectors("valid").into_iter().filter(|(vector, _)| can_read(vector)) {
        let packet = Packet::parse(&bytes, &Limits::default()).expect("a valid packet");
        let decoded = read(&packet, &vector);
        let written = write(&given(&decoded, &vector), &vector, &options(&vector));
        if vector["canonical"] == true {
            assert_eq!(written, bytes, "{}", vector["file"]);
        } else {
            let again = Packet::parse(&written, &Limits::default()).expect("a packet");
            assert_eq!(read(&again, &vector), decoded, "{}", vector["file"]);
        }
        // Zero points and scales of whole tensors are of the numbers that were given.
        let options = options(&vector);
        if !options.asymmetric() && options.granularity() == Granularity::Row {
            assert_eq!(write(&decoded, &vector, &options), written, "{}", vector["file"]);
        }
    }
}

/// Not the bytes of the vector: another zstd may write others. But they must be read alike.
#[cfg(feature = "zstd")]
#[test]
fn compressed_vectors_can_be_compressed_again() {
    let is_compressed = |vector: &Value| tensors(vector)[0]["compression"] == "zstd";
    let mut count = 0;
    for (vector, bytes) in vectors("valid").into_iter().filter(|(vector, _)| is_compressed(vector))
    {
        let packet = Packet::parse(&bytes, &Limits::default()).expect("a valid packet");
        let decoded = read(&packet, &vector);
        let zstd = options(&vector).with_compression(latentwire::Compression::Zstd { level: 1 });
        let written = write(&decoded, &vector, &zstd);
        let again = Packet::parse(&written, &Limits::default()).expect("a packet");
        assert_eq!(again.latents()[0].stage.name(), "zstd");
        assert_eq!(read(&again, &vector), decoded);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn invalid_packets_are_refused_for_the_reason_that_the_manifest_gives() {
    for (vector, bytes) in vectors("invalid") {
        let error = read_all(&bytes).expect_err("an invalid packet");
        let lacks_zstd = !cfg!(feature = "zstd")
            && matches!(error.kind(), ErrorKind::LatentsStage | ErrorKind::TextStage);
        if !lacks_zstd {
            assert_eq!(vector["error"], error.kind().id(), "{}", vector["file"]);
            assert_eq!(vector["offset"], json!(error.offset()), "{}", vector["file"]);
        }
    }
}

/// Findings about what is no part of a packet that can be read without a key: seals, envelopes, the
/// files of entropy tables.
fn has_no_vector(kind: ErrorKind) -> bool {
    let id = kind.id();
    ["seal.", "envelope.", "entropy."].iter().any(|prefix| id.starts_with(prefix))
        || kind.family() == Family::InvalidMessage
        || id == "limit.sessions"
}

#[test]
fn every_finding_about_bytes_has_a_vector() {
    let found: BTreeSet<_> = vectors("invalid")
        .into_iter()
        .filter_map(|(vector, _)| vector["error"].as_str().map(str::to_owned))
        .collect();
    let expected: BTreeSet<_> = ErrorKind::ALL
        .iter()
        .filter(|&&kind| !has_no_vector(kind))
        .map(|kind| kind.id().to_owned())
        .collect();
    assert_eq!(found, expected);
}
