//! Everything that can be found in bytes is found in a vector.

use std::collections::BTreeSet;

use latentwire::{EntropyTables, ErrorKind, Family, IndexFinding};
use serde_json::{Value, json};

use crate::manifest::{Manifest, vectors};

#[test]
fn files_of_tables_are_refused_for_the_reason_that_the_manifest_gives() {
    for (vector, bytes) in vectors("refused_tables") {
        let error = EntropyTables::from_bytes(&bytes).expect_err("no tables");
        assert_eq!(vector["error"], error.kind().id(), "{}", vector["file"]);
        assert_eq!(vector["offset"], json!(error.offset()), "{}", vector["file"]);
    }
}

#[test]
fn every_finding_about_bytes_has_a_vector() {
    let mut found = BTreeSet::new();
    for manifest in Manifest::all() {
        for kind in ["invalid", "refused_tables", "refused_keys", "encrypted", "indexes"] {
            found.extend(manifest.list(kind).iter().filter_map(id));
        }
        for receiver in manifest.list("sealed") {
            found.extend(receiver["packets"].as_array().into_iter().flatten().filter_map(id));
        }
    }
    let is_about_bytes = |kind: &&ErrorKind| kind.family() != Family::InvalidMessage;
    let packets = ErrorKind::ALL.iter().filter(is_about_bytes).map(|kind| kind.id());
    let indexes = IndexFinding::ALL.iter().map(|finding| finding.id());
    let expected: BTreeSet<_> = packets.chain(indexes).map(str::to_owned).collect();
    assert_eq!(found, expected);
}

/// By which id a vector is refused, if it is.
fn id(vector: &Value) -> Option<String> {
    vector["error"].as_str().map(str::to_owned)
}
