//! Packets as they were sealed, received once, again, out of order, and by those without the key.

use latentwire::SEAL;

use super::Receiver;
use super::letters::{BY_BLAKE3, BY_ED25519, BY_HMAC, BY_HMAC_LATER, letter};
use crate::Failure;
use crate::bytes::flip_last;
use crate::keys::{BLAKE3, BLAKE3_AS_HMAC, ED25519, HMAC, OTHER_BLAKE3, OTHER_ED25519, OTHER_HMAC};
use crate::parts::Parts;
use crate::seal::Session;

pub(super) fn receivers() -> Result<Vec<Receiver>, Failure> {
    let mut receivers = by_algorithm()?;
    receivers.extend(by_number()?);
    receivers.extend(by_session()?);
    receivers.extend(without_the_key()?);
    Ok(receivers)
}

fn by_algorithm() -> Result<Vec<Receiver>, Failure> {
    let [hmac, blake3, ed25519] = [BY_HMAC, BY_BLAKE3, BY_ED25519];
    let of = |name, session: Session, file: &str| {
        Ok::<_, Failure>(
            Receiver::new(name, &[session.key])
                .accepts(format!("{file}-0"), session.seal(&letter(0)?, 0)?)
                .accepts(format!("{file}-1"), session.seal(&letter(1)?, 1)?),
        )
    };
    Ok(vec![
        of("HMAC-SHA-256", hmac, "hmac")?,
        of("BLAKE3", blake3, "blake3")?,
        of("Ed25519", ed25519, "ed25519")?,
        Receiver::new("numbers are counted by session", &[HMAC, BLAKE3, ED25519])
            .accepts("hmac-0", hmac.seal(&letter(0)?, 0)?)
            .accepts("blake3-0", blake3.seal(&letter(0)?, 0)?)
            .accepts("ed25519-0", ed25519.seal(&letter(0)?, 0)?)
            .accepts("hmac-later-0", BY_HMAC_LATER.seal(&letter(0)?, 0)?),
        Receiver::new("no seal", &[HMAC]).refuses("seal.missing", "unsealed", letter(0)?),
    ])
}

fn by_number() -> Result<Vec<Receiver>, Failure> {
    let numbered = |number: u64| {
        let name = format!("hmac-{number}");
        Ok::<_, Failure>((name, BY_HMAC.seal(&letter(number.min(1) as u32)?, number)?))
    };
    let receive = |name, numbers: &[(u64, bool)]| {
        numbers.iter().try_fold(Receiver::new(name, &[HMAC]), |receiver, &(number, is_new)| {
            let (name, bytes) = numbered(number)?;
            Ok::<_, Failure>(if is_new {
                receiver.accepts(name, bytes)
            } else {
                receiver.refuses("seal.replay", name, bytes)
            })
        })
    };
    let last = u64::MAX;
    Ok(vec![
        receive("replay", &[(0, true), (0, false), (1, true), (0, false), (1, false)])?,
        receive(
            "out of order",
            &[
                (100, true),
                (37, true),
                (36, false),
                (37, false),
                (101, true),
                (38, true),
                (37, false),
                (99, true),
                (100, false),
                (1000, true),
                (937, true),
                (936, false),
                (101, false),
            ],
        )?,
        receive(
            "the last number",
            &[(last, true), (0, false), (last - 63, true), (last - 64, false), (last, false)],
        )?,
    ])
}

fn by_session() -> Result<Vec<Receiver>, Failure> {
    // The session of HMAC, under another key.
    let same_id = Session { id: BY_HMAC.id, ..BY_BLAKE3 };
    let first = BY_HMAC.seal(&letter(0)?, 0)?;
    let second = BY_HMAC.seal(&letter(1)?, 1)?;
    let later = BY_HMAC_LATER.seal(&letter(0)?, 0)?;
    let forged = Parts::of(&later)?.changed(|parts| flip_last(parts.body(SEAL)));
    let mut announced = Receiver::new("announced sessions only", &[HMAC, BLAKE3])
        .refuses("seal.session", "hmac-later-0", later.clone())
        .refuses("seal.session", "blake3-of-the-session-of-hmac", same_id.seal(&letter(0)?, 0)?)
        .refuses("seal.tag", "hmac-later-tag-altered", forged)
        .accepts("hmac-0", first.clone())
        .refuses("seal.replay", "hmac-0", first.clone());
    announced.announced = Some(vec![BY_HMAC]);
    let mut one = Receiver::new("room for one session", &[HMAC])
        .accepts("hmac-0", first.clone())
        .refuses("limit.sessions", "hmac-later-0", later.clone())
        .accepts("hmac-1", second);
    one.max_sessions = Some(1);
    let mut none_left = Receiver::new("announced sessions take room", &[HMAC, BLAKE3])
        .accepts("hmac-later-0", later)
        .refuses("seal.session", "hmac-0", first);
    (none_left.max_sessions, none_left.announced) = (Some(1), Some(vec![BY_HMAC_LATER]));
    Ok(vec![announced, one, none_left])
}

fn without_the_key() -> Result<Vec<Receiver>, Failure> {
    let (hmac, blake3, ed25519) = (
        BY_HMAC.seal(&letter(0)?, 0)?,
        BY_BLAKE3.seal(&letter(0)?, 0)?,
        BY_ED25519.seal(&letter(0)?, 0)?,
    );
    Ok(vec![
        Receiver::new("wrong keys of the right names", &[OTHER_HMAC, OTHER_BLAKE3, OTHER_ED25519])
            .refuses("seal.tag", "hmac-0", hmac.clone())
            .refuses("seal.tag", "blake3-0", blake3)
            .refuses("seal.tag", "ed25519-0", ed25519),
        Receiver::new("no key of the name", &[BLAKE3, ED25519]).refuses(
            "seal.key",
            "hmac-0",
            hmac.clone(),
        ),
        Receiver::new("a key of the name for another algorithm", &[BLAKE3_AS_HMAC]).refuses(
            "seal.key",
            "hmac-0",
            hmac.clone(),
        ),
        Receiver::new("no keys", &[]).refuses("seal.key", "hmac-0", hmac),
    ])
}
