//! Packets that every reader reads, and packets that every reader refuses.

use latentwire::{
    EncodeOptions, Encoding, ErrorKind, Granularity, Limits, Message, Packet, Route, Values,
};
use serde_json::{Value, json};

use crate::description;
use crate::manifest::vectors;
use crate::shared::{resources, route};

/// Whether this build has the lossless stages that a valid vector uses.
fn can_read(vector: &Value) -> bool {
    tensors(vector).iter().all(|tensor| tensor["compression"] == "none") || cfg!(feature = "zstd")
}

fn tensors(vector: &Value) -> &[Value] {
    vector["tensors"].as_array().expect("a list")
}

/// Reads all there is: the packet, its tensors, the bodies of its sections.
fn read_all(bytes: &[u8]) -> latentwire::Result<()> {
    let limits = Limits::default();
    let packet = Packet::parse(bytes, &limits)?;
    packet.decode_with(&resources(), &limits)?;
    packet.check_sections(&limits)
}

/// The route that a compact vector is of.
fn route_of(vector: &Value) -> Option<Route<'_>> {
    route(&vector["route"], vector)
}

fn read<'a>(packet: &Packet<'a>, vector: &'a Value) -> Message<'a> {
    match route_of(vector) {
        Some(route) => packet.decode_with(&resources().with_route(&route), &Limits::default()),
        None => packet.decode_with(&resources(), &Limits::default()),
    }
    .expect("valid latents")
}

fn write(message: &Message<'_>, vector: &Value, options: &EncodeOptions<'_>) -> Vec<u8> {
    match route_of(vector) {
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

#[cfg(feature = "trust")]
#[test]
fn content_has_the_digest_that_the_manifest_gives() {
    let digests = vectors("digests");
    let valid = vectors("valid");
    assert_eq!(digests.len(), valid.len());
    for ((digest, bytes), (vector, _)) in digests.into_iter().zip(valid) {
        assert_eq!(digest["file"], vector["file"]);
        if can_read(&vector) {
            let packet = Packet::parse(&bytes, &Limits::default()).expect("a valid packet");
            let found = match route_of(&vector) {
                Some(route) => {
                    packet.digest_with(&resources().with_route(&route), &Limits::default())
                }
                None => packet.digest_with(&resources(), &Limits::default()),
            };
            assert_eq!(
                digest["digest"],
                found.expect("a digest").to_string(),
                "{}",
                digest["file"]
            );
        }
    }
}
