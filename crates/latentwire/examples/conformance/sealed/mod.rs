//! Sealed packets, as they are handed to receivers one after the other: what a receiver makes of one
//! depends on its keys and on what it received before.

mod altered;
mod cuts;
mod honest;
mod inside;
mod letters;
mod malformed;
mod signatures;
mod spliced;

use latentwire::trust::{KeyId, SessionId, Verifier};
use latentwire::{Error, Limits, Route};
use serde_json::{Value, json};

use crate::description::{hex, model, with};
use crate::keys::Key;
use crate::seal::Session;
use crate::shared::Shared;
use crate::{Failure, Files};

/// What is given to a receiver, and what it has to make of it.
struct Receiver {
    name: &'static str,
    keys: Vec<Key>,
    /// The only sessions that it accepts.
    announced: Option<Vec<Session>>,
    max_sessions: Option<usize>,
    route: Option<Route<'static>>,
    packets: Vec<Delivery>,
}

struct Delivery {
    name: String,
    bytes: Vec<u8>,
    expected: Expected,
}

/// Which tensors were cut, and the rows that each had.
type Cuts = Vec<(usize, u32)>;

enum Expected {
    /// With these tensors cut.
    Accepted(Cuts),
    /// By this id.
    Refused(&'static str),
}

impl Receiver {
    fn new(name: &'static str, keys: &[Key]) -> Self {
        let (announced, max_sessions, route, packets) = (None, None, None, Vec::new());
        Self { name, keys: keys.to_vec(), announced, max_sessions, route, packets }
    }

    fn on(self, route: Route<'static>) -> Self {
        Self { route: Some(route), ..self }
    }

    fn accepts(self, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        self.accepts_cut(name, bytes, Vec::new())
    }

    fn accepts_cut(mut self, name: impl Into<String>, bytes: Vec<u8>, cuts: Cuts) -> Self {
        self.packets.push(Delivery {
            name: name.into(),
            bytes,
            expected: Expected::Accepted(cuts),
        });
        self
    }

    fn refuses(mut self, id: &'static str, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        self.packets.push(Delivery { name: name.into(), bytes, expected: Expected::Refused(id) });
        self
    }

    /// Refuses each of these by the same id.
    fn refuses_all(
        self,
        id: &'static str,
        packets: impl IntoIterator<Item = (&'static str, Vec<u8>)>,
    ) -> Self {
        packets.into_iter().fold(self, |receiver, (name, bytes)| receiver.refuses(id, name, bytes))
    }

    fn verifier(&self) -> Result<Verifier, Failure> {
        let keys = self.keys.iter().map(Key::verify_key).collect::<Result<Vec<_>, _>>()?;
        let mut verifier = Verifier::new(keys);
        if let Some(max_sessions) = self.max_sessions {
            verifier = verifier.with_max_sessions(max_sessions);
        }
        if let Some(announced) = &self.announced {
            verifier = verifier.expecting_sessions();
            for session in announced {
                verifier.expect(KeyId(session.key.id), SessionId(session.id))?;
            }
        }
        Ok(verifier)
    }
}

/// Every receiver, as the manifest describes it.
pub(crate) fn describe(shared: &Shared, files: &mut Files) -> Result<Vec<Value>, Failure> {
    let mut receivers = honest::receivers()?;
    receivers.extend(inside::receivers(shared)?);
    receivers.push(altered::receiver()?);
    receivers.push(spliced::receiver()?);
    receivers.extend(malformed::receivers()?);
    receivers.extend(cuts::receivers()?);
    receivers.extend(signatures::receivers()?);
    receivers.iter().map(|receiver| describe_receiver(receiver, shared, files)).collect()
}

/// Keys that are given beside those of `keys`.
pub(crate) use signatures::keys;

fn describe_receiver(
    receiver: &Receiver,
    shared: &Shared,
    files: &mut Files,
) -> Result<Value, Failure> {
    let mut verifier = receiver.verifier()?;
    let mut packets = Vec::new();
    for delivery in &receiver.packets {
        let file = format!("sealed/{}.lwp", delivery.name);
        let outcome = receive(&mut verifier, receiver, delivery, shared);
        let described =
            outcome.map_err(|failure| format!("{}: {file}: {failure}", receiver.name))?;
        packets.push(with(described, json!({"file": file})));
        if let Some(other) = files.insert(file.clone().into(), delivery.bytes.clone())
            && other != delivery.bytes
        {
            return Err(format!("{file}: two packets of this name").into());
        }
    }
    let announced = receiver.announced.as_ref().map(|sessions| {
        let session =
            |session: &Session| json!({"key": session.key.name, "session": hex(&session.id)});
        sessions.iter().map(session).collect::<Vec<_>>()
    });
    Ok(json!({
        "name": receiver.name,
        "keys": receiver.keys.iter().map(|key| key.name).collect::<Vec<_>>(),
        "announced": announced,
        "max_sessions": receiver.max_sessions,
        "route": receiver.route.as_ref().map(route),
        "packets": packets,
    }))
}

/// Has the crate verify a packet, and describes what it finds, which must be what is expected.
fn receive(
    verifier: &mut Verifier,
    receiver: &Receiver,
    delivery: &Delivery,
    shared: &Shared,
) -> Result<Value, Failure> {
    let (bytes, limits) = (&delivery.bytes, Limits::default());
    let outcome = match &receiver.route {
        Some(route) => verifier.verify_on(bytes, route, &limits),
        None => verifier.verify(bytes, &limits),
    };
    match (&delivery.expected, outcome) {
        (Expected::Accepted(cuts), Ok(packet)) if packet.is_cut() != cuts.is_empty() => {
            let resources = match &receiver.route {
                Some(route) => shared.resources().with_route(route),
                None => shared.resources(),
            };
            let cut = |(tensor, rows): &(usize, u32)| json!({"tensor": tensor, "rows": rows});
            Ok(json!({
                "error": null,
                "offset": null,
                "algorithm": packet.algorithm().name(),
                "key_id": packet.key_id().to_string(),
                "session": packet.session().to_string(),
                "sequence": packet.sequence().to_string(),
                "cuts": cuts.iter().map(cut).collect::<Vec<_>>(),
                "digest": packet.packet().digest_with(&resources, &limits)?.to_string(),
            }))
        }
        (Expected::Refused(id), Err(error)) if error.kind().id() == *id => Ok(refused(&error)),
        (_, Ok(_)) => Err("it was accepted, or cut otherwise".into()),
        (_, Err(error)) => Err(error.into()),
    }
}

fn refused(error: &Error) -> Value {
    json!({"error": error.kind().id(), "offset": error.offset()})
}

/// All that the hosts of a route have agreed on.
fn route(route: &Route<'_>) -> Value {
    json!({
        "id": route.id,
        "message_prefix": hex(&route.message_prefix),
        "sender": model(&route.sender),
        "receiver": route.receiver.as_ref().map(model),
        "space": {
            "name": route.space.name,
            "fingerprint": route.space.fingerprint.to_string(),
        },
        "codebook": route.codebook.map(|named| named.to_string()),
        "dictionary": route.dictionary.map(|named| named.to_string()),
        "tables": route.tables.map(|named| named.to_string()),
    })
}
