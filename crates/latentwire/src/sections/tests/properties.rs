//! What holds for every value and for any bytes.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::*;

/// A value that owns its data, since the strategies must.
#[derive(Clone, Debug)]
enum Owned {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => Value::Integer(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

fn value() -> impl Strategy<Value = Owned> {
    let numbers = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    prop_oneof![
        Just(Owned::Null),
        any::<bool>().prop_map(Owned::Bool),
        any::<i64>().prop_map(Owned::Integer),
        (-200_i64..200).prop_map(Owned::Integer),
        numbers.prop_map(Owned::Float),
        ".{0,40}".prop_map(Owned::Text),
        vec(any::<u8>(), 0..40).prop_map(Owned::Bytes),
    ]
}

/// Kind, gap and text of literals.
fn spans() -> impl Strategy<Value = Vec<(LiteralKind, u32, String)>> {
    vec((prop::sample::select(LiteralKind::ALL), 0_u32..100_000, "(?s).{1,20}"), 1..20)
}

/// Bytes that are a body of this type, or close to one, or anything.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let near = (prop::sample::select(bodies()), any::<usize>(), any::<u8>(), 0_usize..3).prop_map(
        |((_, mut body), place, byte, change)| {
            let place = place % body.len();
            match change {
                0 => body[place] = byte,
                1 => body.insert(place, byte),
                _ => drop(body.remove(place)),
            }
            body
        },
    );
    prop_oneof![vec(any::<u8>(), 0..60), vec(0_u8..8, 0..24), near]
}

proptest! {
    #[test]
    fn literals_survive(spans in spans()) {
        let mut end = 0;
        let literals = spans.iter().map(|(kind, gap, text)| {
            let position = end + gap;
            end = position + text.len() as u32;
            Literal { kind: *kind, position, text }
        });
        let given = Literals(literals.collect());
        let body = given.encode().unwrap();
        prop_assert_eq!(Literals::decode(&body, 0, &Limits::default()).unwrap(), given);
    }

    #[test]
    fn text_survives(text in "(?s).{1,400}", level in 1..=19) {
        let given = Text(Cow::Owned(text));
        let body = given.encode().unwrap();
        prop_assert_eq!(&Text::decode(&body, 0, &Limits::default()).unwrap(), &given);
        if cfg!(feature = "zstd") {
            let compressed = given.encode_compressed(level).unwrap();
            prop_assert!(compressed.len() <= body.len());
            prop_assert_eq!(Text::decode(&compressed, 0, &Limits::default()).unwrap(), given);
        }
    }

    #[test]
    fn answer_spaces_survive(
        choices in btree_set("(?s).{1,20}", 1..20),
        reversed in any::<bool>(),
        schema in ".{1,80}",
        bound in any::<u32>(),
    ) {
        let mut choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        if reversed {
            choices.reverse();
        }
        for given in [
            AnswerSpace::Choices(choices),
            AnswerSpace::Schema(&schema),
            AnswerSpace::Free { max_tokens: NonZeroU32::new(bound) },
        ] {
            let body = given.encode().unwrap();
            prop_assert_eq!(AnswerSpace::decode(&body, 0, &Limits::default()).unwrap(), given);
        }
    }

    #[test]
    fn metadata_survives(entries in btree_map("\\PC{1,20}", value(), 1..20)) {
        let entries = entries.iter().map(|(key, value)| (key.as_str(), value.value()));
        let given = Metadata(entries.collect());
        let body = given.encode().unwrap();
        prop_assert_eq!(Metadata::decode(&body, 0, &Limits::default()).unwrap(), given);
    }

    #[test]
    fn traces_survive(
        trace_id in any::<[u8; 16]>(),
        parent_id in any::<[u8; 8]>(),
        flags in 0_u8..4,
        state in btree_map("[a-z0-9][a-z0-9_*/@-]{0,8}", "[ -+\\--<>-~]{0,7}[!-+\\--<>-~]", 0..16),
    ) {
        prop_assume!(trace_id != [0; 16] && parent_id != [0; 8]);
        let members: Vec<_> = state.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let state = members.join(",");
        let given = Trace { trace_id, parent_id, flags, state: &state };
        let body = given.encode().unwrap();
        prop_assert_eq!(Trace::decode(&body, 0, &Limits::default()).unwrap(), given);
    }

    /// Whatever a reader accepts, a writer writes. The one exception is a compressed text, of
    /// which there are many; but it says what the stored one says.
    #[test]
    fn one_value_has_one_body(section_type in prop::sample::select(&TYPES[..]), body in bytes()) {
        let Ok(again) = written_again(section_type, &body) else { return Ok(()) };
        if section_type == Text::TYPE && body[0] == 1 {
            let again = again.unwrap_or_default();
            let (limits, first) = (Limits::default(), Text::decode(&body, 0, &Limits::default()));
            prop_assert_eq!(Text::decode(&again, 0, &limits), first);
        } else {
            prop_assert_eq!(again, Some(body));
        }
    }

    /// A finding lies in the body, counted from where the body is said to begin.
    #[test]
    fn findings_lie_in_the_body(
        section_type in prop::sample::select(&TYPES[..]),
        body in bytes(),
        base in 0_usize..5000,
    ) {
        if let Err(error) = check(section_type, &body, base, &Limits::default()) {
            let at = error.offset().unwrap();
            prop_assert!((base..=base + body.len()).contains(&at), "{}", error);
        }
    }
}
