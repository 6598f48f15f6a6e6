//! What stands in `manifest.json`: each vector with everything that a reader must find in it.

use std::path::Path;

use latentwire::trust::{KeyId, VerifyKey};
use latentwire::{EntropyTables, Error, Limits, Packet, Resources, Route, Version};
use serde_json::{Map, Value, json};

use crate::description::{self, hex, numbers};
use crate::keys::Key;
use crate::shared::Shared;
use crate::valid::{self, Vector};
use crate::{Failure, Files, encrypted, indexes, invalid, keys, refused, sealed, streams, strict};

/// Every vector, and the manifest that describes them.
pub(crate) fn vectors() -> Result<Files, Failure> {
    let shared = Shared::new()?;
    let vectors = valid::vectors(&shared)?;
    let mut files = Files::new();
    let manifest = json!({
        "format": "1.0",
        "resources": resources(&shared, &mut files),
        "valid": read(&shared, &vectors, &mut files)?,
        "digests": digests(&shared, &vectors)?,
        "invalid": refuse(&shared, &mut files)?,
        "refused_tables": refuse_tables(&shared, &mut files)?,
        "keys": keys()?,
        "refused_keys": refuse_keys()?,
        "sealed": sealed::describe(&shared, &mut files)?,
        "encrypted": encrypted::describe(&mut files)?,
        "streams": streams::describe(&mut files)?,
        "indexes": indexes::describe(&mut files)?,
    });
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    files.insert("manifest.json".into(), text.into_bytes());
    Ok(files)
}

fn resources(shared: &Shared, files: &mut Files) -> Vec<Value> {
    let mut resources = Vec::new();
    for (index, tables) in shared.tables.iter().enumerate() {
        let file = format!("resources/{index}.tables");
        let fingerprint = tables.fingerprint().to_string();
        resources.push(json!({"file": file, "kind": "tables", "fingerprint": fingerprint}));
        files.insert(file.into(), tables.to_bytes());
    }
    let (dictionary, file) = (&shared.dictionary, "resources/0.dictionary");
    let fingerprint = dictionary.fingerprint().to_string();
    resources.push(json!({"file": file, "kind": "dictionary", "fingerprint": fingerprint}));
    files.insert(file.into(), dictionary.as_bytes().to_vec());
    resources
}

fn read(shared: &Shared, vectors: &[Vector], files: &mut Files) -> Result<Vec<Value>, Failure> {
    let mut described = Vec::new();
    for vector in vectors {
        described.push(describe(&vector.file(), vector, shared)?);
        files.insert(vector.file().into(), vector.bytes.clone());
    }
    Ok(described)
}

fn describe(file: &str, vector: &Vector, shared: &Shared) -> Result<Value, Failure> {
    let limits = Limits::default();
    let packet = Packet::parse(&vector.bytes, &limits)?;
    let message = packet.decode_with(&resources_of(shared, vector), &limits)?;
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
            "route": vector.route.as_ref().map(agreed),
        }),
    ))
}

fn resources_of<'a>(shared: &'a Shared, vector: &Vector) -> Resources<'a> {
    match &vector.route {
        Some(route) => shared.resources().with_route(route),
        None => shared.resources(),
    }
}

/// What the hosts of a route have agreed on beside the header. What it may stand for is left out where
/// it does not, but for the codebook.
fn agreed(route: &Route<'_>) -> Value {
    let mut agreed = Map::new();
    agreed.insert("id".into(), route.id.into());
    agreed.insert("message_prefix".into(), hex(&route.message_prefix).into());
    let codebook = route.codebook.map(|codebook| codebook.to_string());
    agreed.insert("codebook".into(), codebook.into());
    for (what, named) in [("dictionary", route.dictionary), ("tables", route.tables)] {
        if let Some(named) = named {
            agreed.insert(what.into(), named.to_string().into());
        }
    }
    agreed.into()
}

fn digests(shared: &Shared, vectors: &[Vector]) -> Result<Vec<Value>, Failure> {
    let digest = |vector: &Vector| {
        let packet = Packet::parse(&vector.bytes, &Limits::default())?;
        let digest = packet.digest_with(&resources_of(shared, vector), &Limits::default())?;
        Ok(json!({"file": vector.file(), "digest": digest.to_string()}))
    };
    vectors.iter().map(digest).collect()
}

fn refuse(shared: &Shared, files: &mut Files) -> Result<Vec<Value>, Failure> {
    let base = files.get(Path::new(invalid::BASE)).cloned().unwrap_or_default();
    let staged = files.get(Path::new("valid/int4-entropy.lwp")).cloned().unwrap_or_default();
    let [_, _, int4_rows, _] = &shared.tables;
    let mut refused = Vec::new();
    for (name, bytes) in invalid::vectors(&base, &staged, int4_rows.fingerprint()) {
        let file = format!("invalid/{name}.lwp");
        let Err(error) = read_all(&bytes, shared) else {
            return Err(format!("{file} was meant to be refused").into());
        };
        refused.push(finding(&file, &error));
        files.insert(file.into(), bytes);
    }
    Ok(refused)
}

/// Reads all there is: the packet, its tensors, the bodies of its sections.
fn read_all(bytes: &[u8], shared: &Shared) -> Result<(), Error> {
    let limits = Limits::default();
    let packet = Packet::parse(bytes, &limits)?;
    packet.decode_with(&shared.resources(), &limits)?;
    packet.check_sections(&limits)
}

fn refuse_tables(shared: &Shared, files: &mut Files) -> Result<Vec<Value>, Failure> {
    let [columns, ..] = &shared.tables;
    let mut refused = Vec::new();
    for (name, bytes) in refused::tables(columns) {
        let file = format!("tables/{name}.tables");
        let Err(error) = EntropyTables::from_bytes(&bytes) else {
            return Err(format!("{file} was meant to be refused").into());
        };
        refused.push(finding(&file, &error));
        files.insert(file.into(), bytes);
    }
    Ok(refused)
}

fn keys() -> Result<Vec<Value>, Failure> {
    let more = sealed::keys()?;
    Ok(keys::ALL.iter().chain(&more).map(Key::described).collect())
}

fn refuse_keys() -> Result<Vec<Value>, Failure> {
    let described = |public| match VerifyKey::ed25519(KeyId([0; 8]), public) {
        Ok(_) => Err("a public key was meant to be refused".into()),
        Err(error) => Ok(json!({
            "algorithm": "ed25519",
            "public": hex(&public),
            "error": error.kind().id(),
            "offset": error.offset(),
        })),
    };
    strict::refused_keys().into_iter().map(described).collect()
}

fn finding(file: &str, error: &Error) -> Value {
    json!({"file": file, "error": error.kind().id(), "offset": error.offset()})
}
