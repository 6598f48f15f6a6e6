//! Each packet once, in about the order in which it was sent.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::replay::Window;
use super::*;

proptest! {
    /// The window against a set that forgets nothing.
    #[test]
    fn a_window_takes_each_number_once(
        start in prop_oneof![Just(0_u64), Just(u64::MAX - 300)],
        steps in prop::collection::vec(0_u64..300, 1..200),
    ) {
        let (mut window, mut seen, mut highest) = (Window::default(), HashSet::new(), None);
        for number in steps.iter().map(|step| start + step) {
            let is_recent = highest.is_none_or(|top| number > top || top - number < 64);
            prop_assert_eq!(window.note(number), is_recent && seen.insert(number));
            highest = highest.max(Some(number));
        }
    }
}

#[test]
fn a_window_reaches_from_the_first_number_to_the_last() {
    let mut window = Window::default();
    assert!(window.note(0) && !window.note(0));
    assert!(window.note(u64::MAX) && !window.note(u64::MAX) && !window.note(0));
    assert!(window.note(u64::MAX - 63) && !window.note(u64::MAX - 64));
}

fn packet() -> Vec<u8> {
    message(1, &[2, 4], vec![1.0; 8]).encode(&EncodeOptions::default()).unwrap()
}

#[test]
fn packets_may_overtake_each_other_within_the_window() {
    let by = &mut sealers(1)[1];
    let sealed: Vec<_> = (0..70).map(|_| by.seal(&packet()).unwrap()).collect();
    let mut verifier = verifier(1);
    let mut verify =
        |number: usize| verifier.verify(&sealed[number], &limits()).map(|found| found.sequence());
    for number in [5, 3, 69, 6, 68] {
        assert_eq!(verify(number).unwrap(), number as u64);
    }
    for number in [3, 69, 6, 4, 0] {
        assert_eq!(verify(number).unwrap_err().kind(), ErrorKind::SealReplay, "{number}");
    }
}

#[test]
fn sessions_do_not_disturb_each_other() {
    let mut verifier = verifier(1);
    let session = SessionId([7; 16]);
    // The same session and number under each key: three packets.
    for key in keys(1) {
        let sealed = Sealer::at(key, session, 0).seal(&packet()).unwrap();
        verifier.verify(&sealed, &limits()).unwrap();
        let again = verifier.verify(&sealed, &limits()).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::SealReplay);
    }
}

#[test]
fn a_full_verifier_forgets_nothing() {
    let mut verifier = verifier(1).with_max_sessions(2);
    let [one, two, three] = [(); 3].map(|()| sealers(1)[0].seal(&packet()).unwrap());
    verifier.verify(&one, &limits()).unwrap();
    verifier.verify(&two, &limits()).unwrap();
    let full = verifier.verify(&three, &limits()).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::LimitSessions);
    let replayed = verifier.verify(&one, &limits()).unwrap_err();
    assert_eq!(replayed.kind(), ErrorKind::SealReplay);
    // Room comes with another key, and the sessions of the old one do not come back.
    verifier.remove_key(KeyId([1; 8]));
    let without = verifier.verify(&one, &limits()).unwrap_err();
    assert_eq!(without.kind(), ErrorKind::SealKey);
    verifier.verify(&sealers(1)[1].seal(&packet()).unwrap(), &limits()).unwrap();
}

#[test]
fn the_owner_of_one_key_takes_no_room_from_another() {
    let mut verifier = verifier(1).with_max_sessions(2);
    for number in 0..3 {
        let sealed = sealers(1)[0].seal(&packet()).unwrap();
        assert_eq!(verifier.verify(&sealed, &limits()).is_ok(), number < 2);
    }
    let announced = SessionId([9; 16]);
    let full = verifier.expect(KeyId([1; 8]), announced).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::LimitSessions);
    assert_eq!(full.expected(), "at most 2 sessions under key 0101010101010101");
    verifier.expect(KeyId([2; 8]), announced).unwrap();
    verifier.verify(&sealers(1)[1].seal(&packet()).unwrap(), &limits()).unwrap();
    let full = verifier.verify(&sealers(1)[1].seal(&packet()).unwrap(), &limits()).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::LimitSessions);
}

#[test]
fn what_cannot_be_sealed_uses_up_no_number() {
    let mut by = Sealer::new(keys(1)[0].clone()).unwrap();
    let compact = parse(&packet()).to_compact(&route()).unwrap();
    by.seal(&compact).unwrap_err(); // without its route
    let sealed = by.seal(&packet()).unwrap();
    by.seal(&sealed).unwrap_err(); // it has a seal
    let next = by.seal(&packet()).unwrap();
    let sequence = |bytes: &[u8]| Seal::of(&parse(bytes)).unwrap().unwrap().sequence();
    assert_eq!((sequence(&sealed), sequence(&next)), (0, 1));
}

#[test]
fn a_verifier_may_be_told_which_sessions_to_expect() {
    let mut verifier = verifier(1).expecting_sessions();
    let by = &mut sealers(1)[0];
    let sealed = by.seal(&packet()).unwrap();
    let early = verifier.verify(&sealed, &limits()).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::SealSession);
    verifier.expect(KeyId([2; 8]), by.session()).unwrap();
    let of_another_key = verifier.verify(&sealed, &limits()).unwrap_err();
    assert_eq!(of_another_key.kind(), ErrorKind::SealSession);
    verifier.expect(KeyId([1; 8]), by.session()).unwrap();
    verifier.verify(&sealed, &limits()).unwrap();
    // Expecting it again does not let its packets in again.
    verifier.expect(KeyId([1; 8]), by.session()).unwrap();
    assert_eq!(verifier.verify(&sealed, &limits()).unwrap_err().kind(), ErrorKind::SealReplay);
}

#[test]
fn a_key_that_is_replaced_takes_its_sessions_along() {
    let mut verifier = verifier(1);
    let old = sealers(1)[0].seal(&packet()).unwrap();
    verifier.verify(&old, &limits()).unwrap();
    verifier.add_key(VerifyKey::hmac_sha256(KeyId([1; 8]), [2; 32]));
    assert_eq!(verifier.verify(&old, &limits()).unwrap_err().kind(), ErrorKind::SealTag);
    verifier.verify(&sealers(2)[0].seal(&packet()).unwrap(), &limits()).unwrap();
}

#[test]
fn the_last_number_is_used_and_then_no_other() {
    let [key, ..] = keys(1);
    let mut by = Sealer::at(key, SessionId([7; 16]), u64::MAX);
    let last = by.seal(&packet()).unwrap();
    assert_eq!(verifier(1).verify(&last, &limits()).unwrap().sequence(), u64::MAX);
    for _ in 0..2 {
        let error = by.seal(&packet()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MessageSequence);
    }
}
