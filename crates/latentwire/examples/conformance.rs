//! Writes the conformance vectors of this version, or checks that they are what it would write.
//!
//! ```text
//! cargo run --package latentwire --example conformance -- (write|check) tests/conformance
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use latentwire::{
    Compression, EncodeOptions, Encoding, Fingerprint, Header, Limits, Message, MessageId,
    ModelRef, Packet, Section, Shape, SpaceRef,
};
use serde_json::{Value, json};

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
    let done = vectors().and_then(|files| match mode.as_str() {
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
    for (name, content) in files {
        let found = fs::read(folder.join(name)).unwrap_or_default();
        if found != *content {
            let name = name.display();
            return Err(format!("{name} is not what this version writes; a released vector must never change, a new one is written with `write`").into());
        }
    }
    Ok(())
}

/// Every vector with its description.
fn vectors() -> Result<Files, Failure> {
    let mut files = Files::new();
    let mut valid = Vec::new();
    for (name, message, options) in messages()? {
        let bytes = message.encode(&options)?;
        valid.push(describe(name, &bytes)?);
        files.insert(format!("valid/{name}.lwp").into(), bytes);
    }
    let mut invalid = Vec::new();
    for (name, bytes) in broken(&files) {
        let limits = Limits::default();
        let found = Packet::parse(&bytes, &limits).and_then(|packet| packet.decode(&limits));
        let Err(error) = found else {
            return Err(format!("{name} was meant to be refused").into());
        };
        invalid.push(json!({"file": format!("invalid/{name}.lwp"), "error": error.kind().id()}));
        files.insert(format!("invalid/{name}.lwp").into(), bytes);
    }
    let manifest = json!({"format": "1.0", "valid": valid, "invalid": invalid});
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    files.insert("manifest.json".into(), text.into_bytes());
    Ok(files)
}

fn messages() -> Result<Vec<(&'static str, Message<'static>, EncodeOptions)>, Failure> {
    let options = EncodeOptions::default();
    let small = |encoding| options.with_encoding(encoding);
    let mut named = message(&[2, 8], 1.0)?;
    named.header.receiver = Some(ModelRef {
        fingerprint: Fingerprint([0x33; 16]),
        name: "tiny-qwen",
        revision: "2026-11-24",
    });
    let mut carrying = message(&[1, 4], 1.0)?;
    carrying.sections = vec![
        Section { section_type: 6, body: b"00-trace" },
        Section { section_type: 4100, body: b"" },
        Section { section_type: 4100, body: b"private" },
    ];
    let mut zeros = message(&[3, 4], 1.0)?;
    zeros.latents.to_mut().fill(0.0);
    let constant = Message { latents: Cow::Owned(vec![0.5; 256]), ..message(&[4, 64], 1.0)? };
    Ok(vec![
        ("default-int8-32x256", message(&[32, 256], 1.0)?, options),
        ("f32-rank-1", message(&[5], 1.0)?, small(Encoding::F32)),
        ("f16-rank-3", message(&[2, 3, 4], 1.0)?, small(Encoding::F16)),
        ("bf16-rank-4", message(&[2, 1, 2, 3], 1.0)?, small(Encoding::Bf16)),
        ("int8-wide-scales", message(&[2, 8], 1e-6)?, options),
        ("int8-zeros", zeros, options),
        ("named-receiver", named, options),
        ("carried-sections", carrying, options),
        ("f32-zstd", constant, {
            small(Encoding::F32).with_compression(Compression::Zstd { level: 9 })
        }),
    ])
}

/// A message of numbers within -2..2 times `scale`, the same on every machine.
fn message(extents: &[usize], scale: f32) -> Result<Message<'static>, Failure> {
    let shape = Shape::new(extents)?;
    let mut state = 1_u32;
    let latents = (0..shape.num_elements())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / 4_194_304.0 - 2.0) * scale
        })
        .collect();
    Ok(Message {
        header: Header {
            message_id: MessageId::v7(1_795_507_200_000_000_000, 42),
            sender: ModelRef {
                fingerprint: Fingerprint([0x11; 16]),
                name: "tiny-llama",
                revision: "",
            },
            receiver: None,
            space: SpaceRef { fingerprint: Fingerprint([0x22; 16]), name: "tiny-v1" },
        },
        shape,
        latents: Cow::Owned(latents),
        sections: Vec::new(),
    })
}

fn describe(name: &str, bytes: &[u8]) -> Result<Value, Failure> {
    let limits = Limits::default();
    let packet = Packet::parse(bytes, &limits)?;
    let message = packet.decode(&limits)?;
    let (header, info) = (packet.header(), packet.latents());
    let model = |model: &ModelRef<'_>| {
        json!({
            "name": model.name,
            "revision": model.revision,
            "fingerprint": model.fingerprint.to_string(),
        })
    };
    let latents: Vec<u8> = message.latents.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(json!({
        "file": format!("valid/{name}.lwp"),
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
        "latents_f32_le": hex(&latents),
    }))
}

/// Packets that every reader must refuse, made of a valid one.
fn broken(files: &Files) -> Vec<(&'static str, Vec<u8>)> {
    let good = files.get(Path::new("valid/f32-rank-1.lwp")).cloned().unwrap_or_default();
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes
    };
    // Where the latent section begins: 20 bytes of numbers and a checksum end the packet, before
    // them stand tag, length, kind, form and one extent.
    let tag = good.len().saturating_sub(4 + 20 + 5);
    let not_finite = f32::NAN.to_le_bytes();
    let mut nan = good.clone();
    if let Some(place) = nan.get_mut(tag + 5..tag + 9) {
        place.copy_from_slice(&not_finite);
    }
    vec![
        ("empty", Vec::new()),
        ("text", b"a gorgeous, witty, seductive movie".to_vec()),
        ("cut-short", good.get(..good.len().saturating_sub(1)).unwrap_or_default().to_vec()),
        ("trailing-byte", [good.as_slice(), &[0]].concat()),
        ("flipped-bit", changed(tag + 6, 0x55)),
        ("other-major", changed(4, 2)),
        ("unknown-flag", sealed(&changed(6, 0x80))),
        ("unknown-profile", sealed(&changed(6, 0x01))),
        ("unknown-critical-section", sealed(&changed(tag, 0x05))),
        ("ancillary-latents", sealed(&changed(tag, 0x02))),
        ("section-longer-than-packet", sealed(&changed(tag + 1, 0x7F))),
        ("unknown-encoding", sealed(&changed(tag + 2, 0x1F))),
        ("unknown-stage", sealed(&changed(tag + 2, 0xE1))),
        ("reserved-form", sealed(&changed(tag + 3, 0x80))),
        ("extent-zero", sealed(&changed(tag + 4, 0x00))),
        ("shape-larger-than-payload", sealed(&changed(tag + 4, 0x06))),
        ("not-a-number", sealed(&nan)),
    ]
}

/// The packet with its checksum made right.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let covered = bytes.get(..bytes.len().saturating_sub(4)).unwrap_or_default();
    [covered, &crc32c::crc32c(covered).to_le_bytes()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
