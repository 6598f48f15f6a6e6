//! The specification's worked example is what the encoder writes.

use std::borrow::Cow;

use latentwire::{
    EncodeOptions, Fingerprint, Header, Message, MessageId, ModelRef, Shape, SpaceRef,
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
fn the_worked_example_is_what_the_encoder_writes() {
    let message = Message {
        header: Header {
            message_id: MessageId(std::array::from_fn(|index| index as u8)),
            sender: ModelRef { fingerprint: Fingerprint([0x11; 16]), name: "a", revision: "" },
            receiver: None,
            space: SpaceRef { fingerprint: Fingerprint([0x22; 16]), name: "s" },
        },
        shape: Shape::new(&[2, 3]).expect("a shape"),
        latents: Cow::Borrowed(&[0.5, -1.0, 0.25, 0.0, 2.0, -2.0]),
        sections: Vec::new(),
    };
    let written = message.encode(&EncodeOptions::default()).expect("a message");
    assert_eq!(written, worked_example());
}

#[test]
fn the_specification_lists_every_error_id() {
    for kind in latentwire::ErrorKind::ALL {
        assert!(SPECIFICATION.contains(&format!("`{}`", kind.id())), "{}", kind.id());
    }
}
