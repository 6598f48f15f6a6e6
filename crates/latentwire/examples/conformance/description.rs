//! What a reader finds in a packet, as the manifest says it. The generator writes it, the test of the
//! vectors holds it against what was written.

use std::fmt::Write as _;

use latentwire::{Granularity, Latents, LatentsInfo, Message, ModelRef, Packet, Values};
use serde_json::{Value, json};

/// Everything in a packet but its name, its route and what it was made from.
pub(crate) fn describe(packet: &Packet<'_>, message: &Message<'_>) -> Value {
    let (header, version) = (&message.header, packet.version());
    let tensors = packet.latents().iter().zip(&message.latents);
    json!({
        "version": format!("{}.{}", version.major, version.minor),
        "message_id": header.message_id.to_string(),
        "sender": model(&header.sender),
        "receiver": header.receiver.as_ref().map(model),
        "space": {"name": header.space.name, "fingerprint": header.space.fingerprint.to_string()},
        "tensors": tensors.map(|(info, latents)| tensor(info, latents)).collect::<Vec<_>>(),
        "sections": message.sections.iter().map(|section| {
            json!({"type": section.section_type, "body": hex(section.body)})
        }).collect::<Vec<_>>(),
    })
}

/// A description with more fields.
pub(crate) fn with(mut described: Value, more: Value) -> Value {
    if let (Some(described), Value::Object(more)) = (described.as_object_mut(), more) {
        described.extend(more);
    }
    described
}

/// binary32, little-endian, in hexadecimal digits.
pub(crate) fn numbers(latents: &[f32]) -> String {
    hex(&latents.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

/// In hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn tensor(info: &LatentsInfo, latents: &Latents<'_>) -> Value {
    let scales = info.format.layout().and_then(|layout| layout.scales).map(|scales| {
        json!({
            "width": scales.width.name(),
            "granularity": scales.granularity.name(),
            "group": match scales.granularity { Granularity::Group(size) => Some(size), _ => None },
            "asymmetric": scales.asymmetric,
        })
    });
    let described = json!({
        "name": latents.name,
        "shape": info.shape.extents(),
        "encoding": info.format.name(),
        "compression": info.stage.name(),
        "resource": info.resource.map(|resource| resource.to_string()),
        "scales": scales,
    });
    with(
        described,
        match &latents.values {
            Values::Numbers(found) => json!({"latents_f32_le": numbers(found)}),
            Values::Bf16(_) => unreachable!("packets are read as f32"),
            Values::Codes { codebook, size, codes } => {
                json!({"codebook": codebook.to_string(), "size": size, "codes": codes})
            }
        },
    )
}

pub(crate) fn model(model: &ModelRef<'_>) -> Value {
    json!({
        "name": model.name,
        "revision": model.revision,
        "fingerprint": model.fingerprint.to_string(),
    })
}
