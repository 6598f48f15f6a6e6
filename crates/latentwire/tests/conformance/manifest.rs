//! Manifests and the files that they name.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What is known of the vectors of one version.
pub(crate) struct Manifest {
    folder: PathBuf,
    fields: Value,
}

impl Manifest {
    /// Those of all versions.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
        let mut folders: Vec<_> = fs::read_dir(root)
            .expect("tests/conformance")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.join("manifest.json").is_file())
            .collect();
        folders.sort();
        assert!(!folders.is_empty());
        let read = |folder: PathBuf| {
            let text = fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
            Self { fields: serde_json::from_str(&text).expect("JSON"), folder }
        };
        folders.into_iter().map(read).collect()
    }

    /// The vectors of a kind.
    pub(crate) fn list(&self, kind: &str) -> &[Value] {
        let found = self.fields[kind].as_array().expect("a list");
        assert!(!found.is_empty(), "{kind}");
        found
    }

    /// The bytes of a file.
    pub(crate) fn read(&self, file: &Value) -> Vec<u8> {
        fs::read(self.folder.join(file.as_str().expect("a file name"))).expect("a file")
    }
}

/// The vectors of one kind, of all versions, that are a file each: description and bytes.
pub(crate) fn vectors(kind: &str) -> Vec<(Value, Vec<u8>)> {
    let mut vectors = Vec::new();
    for manifest in Manifest::all() {
        let files = manifest.list(kind).iter();
        vectors.extend(files.map(|vector| (vector.clone(), manifest.read(&vector["file"]))));
    }
    vectors
}

/// As many bytes as there must be, of hexadecimal digits.
pub(crate) fn bytes_of<const N: usize>(value: &Value) -> [u8; N] {
    let digits = value.as_str().expect("hexadecimal digits");
    assert_eq!(digits.len(), 2 * N);
    std::array::from_fn(|index| {
        let pair = digits.get(2 * index..2 * index + 2).expect("two digits");
        u8::from_str_radix(pair, 16).expect("hexadecimal digits")
    })
}
