//! What readers have beside packets: entropy tables, dictionaries, routes.

use std::sync::OnceLock;

use latentwire::{Dictionary, EntropyTables, Fingerprint, ModelRef, Resources, Route, SpaceRef};
use serde_json::Value;

use crate::manifest::{Manifest, bytes_of};

pub(crate) fn resources() -> Resources<'static> {
    static LOADED: OnceLock<(Vec<EntropyTables>, Vec<Dictionary>)> = OnceLock::new();
    let (tables, dictionaries) = LOADED.get_or_init(load);
    Resources::default().with_tables(tables).with_dictionaries(dictionaries)
}

fn load() -> (Vec<EntropyTables>, Vec<Dictionary>) {
    let (mut tables, mut dictionaries) = (Vec::new(), Vec::new());
    for manifest in Manifest::all() {
        for resource in manifest.list("resources") {
            let bytes = manifest.read(&resource["file"]);
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

/// A route, and who sends to whom on it: of a valid packet that is what its header says.
pub(crate) fn route<'a>(route: &'a Value, header: &'a Value) -> Option<Route<'a>> {
    let receiver = &header["receiver"];
    let named = |what: &Value| what.is_string().then(|| Fingerprint(bytes_of(what)));
    route.is_object().then(|| Route {
        id: route["id"].as_u64().and_then(|id| u32::try_from(id).ok()).expect("a number"),
        message_prefix: bytes_of(&route["message_prefix"]),
        sender: model(&header["sender"]),
        receiver: receiver.is_object().then(|| model(receiver)),
        space: SpaceRef {
            fingerprint: Fingerprint(bytes_of(&header["space"]["fingerprint"])),
            name: header["space"]["name"].as_str().expect("a name"),
        },
        codebook: named(&route["codebook"]),
        dictionary: named(&route["dictionary"]),
        tables: named(&route["tables"]),
    })
}

fn model(value: &Value) -> ModelRef<'_> {
    ModelRef {
        fingerprint: Fingerprint(bytes_of(&value["fingerprint"])),
        name: value["name"].as_str().expect("a name"),
        revision: value["revision"].as_str().expect("a revision"),
    }
}
