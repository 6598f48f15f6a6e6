//! The specification's worked example and tables are those of the crate.

use latentwire::{
    EncodeOptions, EntropyTables, ErrorKind, Family, Fingerprint, Header, Latents, Limits, Message,
    MessageId, ModelRef, Packet, Shape, SpaceRef,
};

const SPECIFICATION: &str = include_str!("../../../docs/spec/latentwire-v1.md");

/// The hexadecimal bytes of the marked block: everything before the two spaces of each line.
fn worked_example() -> Vec<u8> {
    let block = SPECIFICATION
        .split("<!-- worked example: begin -->")
        .nth(1)
        .and_then(|rest| rest.split("<!-- worked example: end -->").next())
        .expect("the specification marks its worked example");
    block
        .lines()
        .filter(|line| !line.starts_with("```"))
        .flat_map(|line| line.split("  ").next().unwrap_or_default().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
        .collect()
}

#[test]
fn the_worked_example_is_what_the_encoder_writes_and_the_decoder_reads() {
    let message = Message {
        header: Header {
            message_id: MessageId(std::array::from_fn(|index| index as u8)),
            sender: ModelRef { fingerprint: Fingerprint([0x11; 16]), name: "a", revision: "" },
            receiver: None,
            space: SpaceRef { fingerprint: Fingerprint([0x22; 16]), name: "s" },
        },
        latents: vec![Latents::new(
            Shape::new(&[2, 3]).expect("a shape"),
            &[0.5, -1.0, 0.25, 0.0, 2.0, -2.0][..],
        )],
        sections: Vec::new(),
    };
    let written = message.encode(&EncodeOptions::default()).expect("a message");
    assert_eq!(written, worked_example());
    let packet = Packet::parse(&written, &Limits::default()).expect("a packet");
    let decoded = packet.decode(&Limits::default()).expect("latents");
    let numbers = decoded.latents[0].values.numbers().expect("numbers");
    for value in numbers.get(..3).expect("a row") {
        let exact = format!("{:.17}", f64::from(*value));
        assert!(SPECIFICATION.contains(exact.trim_end_matches('0')), "{exact}");
    }
}

/// `UnsupportedFeature` -> `unsupported feature`.
fn words(family: Family) -> String {
    let mut words = String::new();
    for letter in format!("{family:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The rows of its table of errors are those of the crate, in the same order.
#[test]
fn the_specification_lists_every_error_with_its_family() {
    let listed: Vec<(&str, &str)> = SPECIFICATION
        .lines()
        .skip_while(|line| *line != "| id | family | finding |")
        .skip(2)
        .map_while(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split_once("` | "))
        .filter_map(|(id, rest)| Some((id, rest.split_once(" |")?.0)))
        .collect();
    let families: Vec<_> = ErrorKind::ALL.iter().map(|kind| words(kind.family())).collect();
    let ids = ErrorKind::ALL.iter().map(|kind| kind.id());
    let expected: Vec<(&str, &str)> = ids.zip(families.iter().map(String::as_str)).collect();
    assert_eq!(listed, expected);
}

#[test]
fn the_limits_that_the_specification_recommends_are_the_default() {
    let limits = Limits::default();
    let recommended = |id: &str| {
        let row = SPECIFICATION.lines().find(|line| line.ends_with(&format!("| `{id}` |")));
        let number = row.and_then(|row| row.split(" | ").nth(1)).expect("a limit's row");
        let (digits, unit) = match number.strip_suffix(" MiB") {
            Some(digits) => (digits, 1 << 20),
            None => (number, 1),
        };
        digits.replace(',', "").parse::<usize>().expect("a number") * unit
    };
    assert_eq!(recommended("limit.total_bytes"), limits.total_bytes());
    assert_eq!(recommended("limit.elements"), limits.elements());
    assert_eq!(recommended("limit.sections"), limits.sections());
    assert_eq!(recommended("limit.decompressed_bytes"), limits.decompressed_bytes());
}

/// The example of section 6.7: three symbols under tables that are written there.
#[test]
fn the_entropy_coder_writes_the_bytes_of_its_example() {
    let frequencies = [16_u16, 4064, 16].map(u16::to_le_bytes).concat();
    let file = [&b"\x89LWE\x01\x00\x02\x01\x00\x00\x00"[..], &frequencies].concat();
    let tables = EntropyTables::from_bytes(&file).expect("tables");
    let fingerprint = tables.fingerprint().to_string().to_uppercase();
    assert!(SPECIFICATION.contains(&format!("`{fingerprint}`")), "{fingerprint}");
    let mut stream = Vec::new();
    tables.encode(&[0, 1, 2, 0], 4, &mut stream).expect("symbols of the tables");
    let hex: Vec<String> = stream.iter().map(|byte| format!("{byte:02X}")).collect();
    let bytes = hex.join(" ").replacen("01 00", "01  00", 1);
    assert!(SPECIFICATION.contains(&format!("`{bytes}`")), "{bytes}");
}
