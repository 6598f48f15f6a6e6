//! What stands in `manifest.json`: each vector with everything that a reader must find in it.

use std::path::Path;

use latentwire::{Limits, Packet, Resources, Version};
use serde_json::{Value, json};

use crate::description::{self, hex, numbers};
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
    let staged = files.get(Path::new("valid/int4-entropy.lwp")).cloned().unwrap_or_default();
    let mut refused = Vec::new();
    for (name, bytes) in invalid::vectors(&base, &staged) {
        let file = format!("invalid/{name}.lwp");
        let Err(error) = read(&bytes) else {
            return Err(format!("{file} was meant to be refused").into());
        };
        let finding = json!({"file": file, "error": error.kind().id(), "offset": error.offset()});
        refused.push(finding);
        files.insert(file.into(), bytes);
    }
    let mut resources = Vec::new();
    for (index, tables) in valid::tables()?.iter().enumerate() {
        let file = format!("resources/{index}.tables");
        let fingerprint = tables.fingerprint().to_string();
        resources.push(json!({"file": file, "kind": "tables", "fingerprint": fingerprint}));
        files.insert(file.into(), tables.to_bytes());
    }
    for (index, dictionary) in valid::dictionaries()?.iter().enumerate() {
        let file = format!("resources/{index}.dictionary");
        let fingerprint = dictionary.fingerprint().to_string();
        resources.push(json!({"file": file, "kind": "dictionary", "fingerprint": fingerprint}));
        files.insert(file.into(), dictionary.as_bytes().to_vec());
    }
    let manifest = json!({
        "format": "1.0",
        "resources": resources,
        "valid": described,
        "invalid": refused,
    });
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    files.insert("manifest.json".into(), text.into_bytes());
    Ok(files)
}

/// Reads all there is: the packet, its tensors, the bodies of its sections.
fn read(bytes: &[u8]) -> Result<(), latentwire::Error> {
    let limits = Limits::default();
    // The generator makes them; a failure of it is no finding about the packet.
    let (tables, dictionaries) =
        (valid::tables().unwrap_or_default(), valid::dictionaries().unwrap_or_default());
    let resources = Resources::default().with_tables(&tables).with_dictionaries(&dictionaries);
    let packet = Packet::parse(bytes, &limits)?;
    packet.decode_with(&resources, &limits)?;
    packet.check_sections(&limits)
}

fn describe(file: &str, vector: &Vector) -> Result<Value, Failure> {
    let limits = Limits::default();
    let packet = Packet::parse(&vector.bytes, &limits)?;
    let (tables, dictionaries) = (valid::tables()?, valid::dictionaries()?);
    let resources = Resources::default().with_tables(&tables).with_dictionaries(&dictionaries);
    let message = match &vector.route {
        Some(route) => packet.decode_with(&resources.with_route(route), &limits)?,
        None => packet.decode_with(&resources, &limits)?,
    };
    packet.check_sections(&limits)?;
    let is_stored = packet.latents().iter().all(|info| info.stage == latentwire::Stage::Stored);
    let mut described = description::describe(&packet, &message);
    if let Some(tensors) = described.get_mut("tensors").and_then(Value::as_array_mut) {
        for (tensor, given) in tensors.iter_mut().zip(&vector.given.latents) {
            if let (Some(tensor), Some(given)) = (tensor.as_object_mut(), given.values.numbers()) {
                tensor.insert("given_f32_le".into(), numbers(given).into());
            }
        }
    }
    Ok(description::with(
        described,
        json!({
            "file": file,
            "canonical": is_stored && packet.version() == Version::CURRENT,
            "route": vector.route.as_ref().map(|route| json!({
                "id": route.id,
                "message_prefix": hex(&route.message_prefix),
                "codebook": route.codebook.map(|codebook| codebook.to_string()),
            })),
        }),
    ))
}
