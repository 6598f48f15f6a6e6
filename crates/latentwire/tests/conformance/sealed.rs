//! Seals, as receivers verify them one after the other, and encrypted packets.

use latentwire::trust::{self, EnvelopeKey, KeyId, SessionId, Verified, Verifier, VerifyKey};
use latentwire::{Limits, Packet, Route};
use serde_json::{Value, json};

use crate::manifest::{Manifest, bytes_of, vectors};
use crate::shared::{resources, route};

fn key<'m>(manifest: &'m Manifest, name: &Value) -> &'m Value {
    manifest.list("keys").iter().find(|key| key["name"] == *name).expect("a key of this name")
}

fn verify_key(key: &Value) -> VerifyKey {
    let id = KeyId(bytes_of(&key["id"]));
    match key["algorithm"].as_str().expect("a name") {
        "hmac-sha-256" => VerifyKey::hmac_sha256(id, bytes_of(&key["secret"])),
        "blake3" => VerifyKey::blake3(id, bytes_of(&key["secret"])),
        "ed25519" => VerifyKey::ed25519(id, bytes_of(&key["public"])).expect("a public key"),
        other => unreachable!("{other} is no algorithm of seals"),
    }
}

fn verifier(manifest: &Manifest, receiver: &Value) -> Verifier {
    let keys = receiver["keys"].as_array().expect("a list");
    let mut verifier = Verifier::new(keys.iter().map(|name| verify_key(key(manifest, name))));
    if let Some(sessions) = receiver["max_sessions"].as_u64() {
        verifier = verifier.with_max_sessions(sessions.try_into().expect("a number"));
    }
    if let Some(announced) = receiver["announced"].as_array() {
        verifier = verifier.expecting_sessions();
        for session in announced {
            let key_id = KeyId(bytes_of(&key(manifest, &session["key"])["id"]));
            verifier.expect(key_id, SessionId(bytes_of(&session["session"]))).expect("room");
        }
    }
    verifier
}

fn check_accepted(wanted: &Value, verified: &Verified<'_>, route: Option<&Route<'_>>) {
    let cuts = wanted["cuts"].as_array().expect("a list");
    assert_eq!(verified.is_cut(), !cuts.is_empty(), "{wanted}");
    let found = json!({
        "algorithm": verified.algorithm().name(),
        "key_id": verified.key_id().to_string(),
        "session": verified.session().to_string(),
        "sequence": verified.sequence().to_string(),
    });
    for field in ["algorithm", "key_id", "session", "sequence"] {
        assert_eq!(found[field], wanted[field], "{wanted}");
    }
    let resources = route.map_or(resources(), |route| resources().with_route(route));
    let packet = verified.packet();
    let is_compressed = packet.latents().iter().any(|info| info.stage.name() == "zstd");
    if cfg!(feature = "zstd") || !is_compressed {
        let digest = packet.digest_with(&resources, &Limits::default()).expect("a digest");
        assert_eq!(digest.to_string(), wanted["digest"].as_str().expect("digits"), "{wanted}");
    }
}

#[test]
fn receivers_accept_and_refuse_what_the_manifest_says() {
    for manifest in Manifest::all() {
        for receiver in manifest.list("sealed") {
            let mut verifier = verifier(&manifest, receiver);
            let route = route(&receiver["route"], &receiver["route"]);
            for wanted in receiver["packets"].as_array().expect("a list") {
                let bytes = manifest.read(&wanted["file"]);
                let found = match &route {
                    Some(route) => verifier.verify_on(&bytes, route, &Limits::default()),
                    None => verifier.verify(&bytes, &Limits::default()),
                };
                let error = found.as_ref().err();
                let context = format!("{}: {wanted}: {found:?}", receiver["name"]);
                assert_eq!(
                    json!(error.map(|error| error.kind().id())),
                    wanted["error"],
                    "{context}"
                );
                assert_eq!(
                    json!(error.and_then(latentwire::Error::offset)),
                    wanted["offset"],
                    "{context}"
                );
                if let Ok(verified) = found {
                    check_accepted(wanted, &verified, route.as_ref());
                }
            }
        }
    }
}

#[test]
fn public_keys_are_refused_that_are_none() {
    for manifest in Manifest::all() {
        for key in manifest.list("refused_keys") {
            let refused = VerifyKey::ed25519(KeyId([0; 8]), bytes_of(&key["public"]));
            let error = refused.expect_err("no key");
            assert_eq!(key["error"], error.kind().id());
            assert_eq!(key["offset"], json!(error.offset()));
        }
    }
}

#[test]
fn encrypted_packets_hold_what_the_manifest_says() {
    for manifest in Manifest::all() {
        for vector in manifest.list("encrypted") {
            let key = key(&manifest, &vector["key"]);
            let key = EnvelopeKey::new(KeyId(bytes_of(&key["id"])), bytes_of(&key["secret"]));
            let bytes = manifest.read(&vector["file"]);
            let opened = trust::decrypt(&bytes, &key, &Limits::default());
            if let Ok(opened) = &opened {
                assert_eq!(*opened, manifest.read(&vector["opened"]), "{vector}");
            }
            assert_eq!(opened.is_ok(), vector["opened"].is_string(), "{vector}");
            let read = opened
                .and_then(|opened| Packet::parse(&opened, &Limits::default()).map(|_| ()))
                .err();
            assert_eq!(
                json!(read.as_ref().map(|error| error.kind().id())),
                vector["error"],
                "{vector}"
            );
            assert_eq!(json!(read.and_then(|error| error.offset())), vector["offset"], "{vector}");
        }
    }
}

/// Whoever has no key finds an encrypted packet to be one.
#[test]
fn encrypted_packets_are_refused_by_readers_without_a_key() {
    let opened =
        vectors("encrypted").into_iter().filter(|(vector, _)| vector["opened"].is_string());
    for (vector, bytes) in opened {
        let error = Packet::parse(&bytes, &Limits::default()).expect_err("no key");
        assert_eq!((error.kind().id(), error.offset()), ("preamble.profile", Some(6)), "{vector}");
    }
}
