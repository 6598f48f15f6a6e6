//! What stands in `manifest.json`: each vector with everything that a reader must find in it.

use std::fmt::Write as _;
use std::path::Path;

use latentwire::{Granularity, Latents, LatentsInfo, Limits, ModelRef, Packet, Values, Version};
use serde_json::{Value, json};

use crate::valid::{self, Vector};
use crate::{Failure, Files, invalid};

/// Every vector, and the manifest that describes them.
pub(crate) fn vectors() -> Result<Files, Failure> {
    let mut files = Files::new();
    let mut described = Vec::new();
    for vector in valid::vectors()? {
        let file = format!("valid/{}.lwp", vector.name);
        described.push(describe(&file, &vector)?);
        files.insert(file.into(), vector.bytes);
    }
    let base = files.get(Path::new(invalid::BASE)).cloned().unwrap_or_default();
    let mut refused = Vec::new();
    for (name, bytes) in invalid::vectors(&base) {
        let file = format!("invalid/{name}.lwp");
        let limits = Limits::default();
        let found = Packet::parse(&bytes, &limits).and_then(|packet| packet.decode(&limits));
        let Err(error) = found else {
            return Err(format!("{file} was meant to be refused").into());
        };
        refused.push(json!({"file": file, "error": error.kind().id()}));
        files.insert(file.into(), bytes);
    }
    let manifest = json!({"format": "1.0", "valid": described, "invalid": refused});
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    files.insert("manifest.json".into(), text.into_bytes());
    Ok(files)
}

fn describe(file: &str, vector: &Vector) -> Result<Value, Failure> {
    let limits = Limits::default();
    let packet = Packet::parse(&vector.bytes, &limits)?;
    let message = match &vector.route {
        Some(route) => packet.decode_on(route, &limits)?,
        None => packet.decode(&limits)?,
    };
    let (header, version) = (&message.header, packet.version());
    let is_stored = packet.latents().iter().all(|info| info.stage == latentwire::Stage::Stored);
    let tensors = packet.latents().iter().zip(&vector.given.latents).zip(&message.latents);
    Ok(json!({
        "file": file,
        "version": format!("{}.{}", version.major, version.minor),
        "canonical": is_stored && version == Version::CURRENT,
        "route": vector.route.as_ref().map(|route| json!({
            "id": route.id,
            "message_prefix": hex(&route.message_prefix),
            "codebook": route.codebook.map(|codebook| codebook.to_string()),
        })),
        "message_id": header.message_id.to_string(),
        "sender": model(&header.sender),
        "receiver": header.receiver.as_ref().map(model),
        "space": {"name": header.space.name, "fingerprint": header.space.fingerprint.to_string()},
        "tensors": tensors.map(|((info, given), found)| tensor(info, given, found)).collect::<Vec<_>>(),
        "sections": message.sections.iter().map(|section| {
            json!({"type": section.section_type, "body": hex(section.body)})
        }).collect::<Vec<_>>(),
    }))
}

fn tensor(info: &LatentsInfo, given: &Latents<'_>, found: &Latents<'_>) -> Value {
    let scales = info.format.layout().and_then(|layout| layout.scales).map(|scales| {
        json!({
            "width": scales.width.name(),
            "granularity": scales.granularity.name(),
            "group": match scales.granularity { Granularity::Group(size) => Some(size), _ => None },
            "asymmetric": scales.asymmetric,
        })
    });
    let mut described = json!({
        "name": found.name,
        "shape": info.shape.extents(),
        "encoding": info.format.name(),
        "compression": info.stage.name(),
        "scales": scales,
    });
    let more = match (&given.values, &found.values) {
        (Values::Numbers(given), Values::Numbers(found)) => {
            json!({"given_f32_le": numbers(given), "latents_f32_le": numbers(found)})
        }
        (_, Values::Codes { codebook, size, codes }) => {
            json!({"codebook": codebook.to_string(), "size": size, "codes": codes})
        }
        _ => Value::Null,
    };
    if let (Some(described), Value::Object(more)) = (described.as_object_mut(), more) {
        described.extend(more);
    }
    described
}

fn model(model: &ModelRef<'_>) -> Value {
    json!({
        "name": model.name,
        "revision": model.revision,
        "fingerprint": model.fingerprint.to_string(),
    })
}

fn numbers(latents: &[f32]) -> String {
    hex(&latents.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
