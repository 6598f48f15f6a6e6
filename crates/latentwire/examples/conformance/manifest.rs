//! What stands in `manifest.json`: each vector with everything that a reader must find in it.

use std::fmt::Write as _;
use std::path::Path;

use latentwire::{Limits, Message, ModelRef, Packet, Version};
use serde_json::{Value, json};

use crate::{Failure, Files, invalid, valid};

/// Every vector, and the manifest that describes them.
pub(crate) fn vectors() -> Result<Files, Failure> {
    let mut files = Files::new();
    let mut described = Vec::new();
    for vector in valid::vectors()? {
        let file = format!("valid/{}.lwp", vector.name);
        described.push(describe(&file, &vector.given, &vector.bytes)?);
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

fn describe(file: &str, given: &Message<'_>, bytes: &[u8]) -> Result<Value, Failure> {
    let limits = Limits::default();
    let packet = Packet::parse(bytes, &limits)?;
    let message = packet.decode(&limits)?;
    let (header, info, version) = (packet.header(), packet.latents(), packet.version());
    let is_stored = info.stage == latentwire::Stage::Stored;
    Ok(json!({
        "file": file,
        "version": format!("{}.{}", version.major, version.minor),
        "canonical": is_stored && version == Version::CURRENT,
        "message_id": header.message_id.to_string(),
        "sender": model(&header.sender),
        "receiver": header.receiver.as_ref().map(model),
        "space": {"name": header.space.name, "fingerprint": header.space.fingerprint.to_string()},
        "encoding": info.layout.encoding.name(),
        "compression": info.stage.name(),
        "shape": info.shape.extents(),
        "sections": message.sections.iter().map(|section| {
            json!({"type": section.section_type, "body": hex(section.body)})
        }).collect::<Vec<_>>(),
        "given_f32_le": numbers(&given.latents),
        "latents_f32_le": numbers(&message.latents),
    }))
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
