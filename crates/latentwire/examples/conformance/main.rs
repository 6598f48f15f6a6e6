//! Writes the conformance vectors of this version, or checks that they are what it would write.
//!
//! ```text
//! cargo run --package latentwire --example conformance -- (write|check) tests/conformance
//! ```

mod bytes;
mod description;
mod encrypted;
mod envelope;
mod indexes;
mod invalid;
mod keys;
mod manifest;
mod parts;
mod refused;
mod seal;
mod sealed;
mod shared;
mod staged;
mod streams;
mod strict;
mod valid;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

type Failure = Box<dyn std::error::Error>;
/// File name below the version's folder -> content.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [mode, folder] = arguments.as_slice() else {
        eprintln!("usage: conformance (write|check) FOLDER");
        return ExitCode::from(2);
    };
    let folder = Path::new(folder).join("v1.0");
    let done = manifest::vectors().and_then(|files| match mode.as_str() {
        "write" => write(&folder, &files),
        "check" => check(&folder, &files),
        other => Err(format!("expected write or check, found {other}").into()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, files: &Files) -> Result<(), Failure> {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, content)?;
    }
    Ok(())
}

fn check(folder: &Path, files: &Files) -> Result<(), Failure> {
    let expected: BTreeSet<_> = files.keys().cloned().collect();
    if let Some(name) = expected.symmetric_difference(&found_in(folder)?).next() {
        let problem = if files.contains_key(name) { "is missing" } else { "is no vector" };
        return Err(format!("{} {problem}", name.display()).into());
    }
    for (name, content) in files {
        if fs::read(folder.join(name))? != *content {
            let name = name.display();
            return Err(format!("{name} is not what this version writes; a released vector must never change, a new one is written with `write`").into());
        }
    }
    Ok(())
}

/// The files of a version's folder, by their names below it.
fn found_in(folder: &Path) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    let mut below = vec![PathBuf::new()];
    while let Some(names) = below.pop() {
        for entry in fs::read_dir(folder.join(&names))? {
            let entry = entry?;
            let name = names.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                below.push(name);
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found)
}
