//! What stands in `manifest.json`: each vector with everything that a reader must find in it.

use std::fmt::Write as _;
use std::path::Path;

use latentwire::sections::{self, Literals, Text};
use latentwire::{
    Granularity, LITERALS, Latents, LatentsInfo, Limits, ModelRef, Packet, Resources, TEXT, Values,
    Version,
};
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
    let message = packet.decode_with(&resources, &limits)?;
    for info in packet.sections() {
        sections::check(info.section_type, info.body(bytes), info.offset, &limits)?;
    }
    let body = |wanted| {
        let mut sections = packet.sections().iter();
        sections
            .find(|info| info.section_type == wanted)
            .map(|info| (info.body(bytes), info.offset))
    };
    if let (Some((literals, at)), Some((text, text_at))) = (body(LITERALS), body(TEXT)) {
        let text = Text::decode(text, text_at, &limits)?;
        Literals::decode(literals, at, &limits)?.check_against(&text.0)?;
    }
    drop(message);
    Ok(())
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
        "resource": info.resource.map(|resource| resource.to_string()),
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
