//! Latent messages as packets.
//!
//! A *message* is a small tensor in an agreed latent space, with a sender, a receiver and room
//! for more sections; a *packet* is its one encoding in bytes: versioned, checked, canonical.
//! `docs/spec/latentwire-v1.md` describes every byte, and this crate follows it. It knows neither
//! Python nor models, opens no files, has no unsafe code, and answers hostile bytes with an
//! [`Error`]: never with a panic, never with an allocation past the caller's [`Limits`].
//!
//! ```
//! use latentwire::{
//!     EncodeOptions, Fingerprint, Header, Latents, Limits, Message, MessageId, ModelRef, Packet,
//!     Shape, SpaceRef,
//! };
//!
//! let numbers = [0.5, -1.0, 0.25, 0.0, 2.0, -2.0];
//! let message = Message {
//!     header: Header {
//!         message_id: MessageId::v7(1_700_000_000_000_000_000, 42),
//!         sender: ModelRef { fingerprint: Fingerprint([1; 16]), name: "tiny-llama", revision: "" },
//!         receiver: None, // anyone who hears the space
//!         space: SpaceRef { fingerprint: Fingerprint([2; 16]), name: "gist-32x256" },
//!     },
//!     latents: vec![Latents::new(Shape::new(&[2, 3])?, &numbers[..])],
//!     sections: Vec::new(),
//! };
//! let bytes = message.encode(&EncodeOptions::default())?; // int8, one scale a row
//!
//! let packet = Packet::parse(&bytes, &Limits::default())?; // verified, latents not yet decoded
//! assert_eq!(packet.header().unwrap().sender.name, "tiny-llama");
//! let received = packet.decode(&Limits::default())?;
//! assert_eq!(received.latents[0].shape, message.latents[0].shape);
//! let numbers = received.latents[0].values.numbers().unwrap();
//! assert!((numbers[1] + 1.0).abs() < 0.005);
//! # Ok::<(), latentwire::Error>(())
//! ```

#![forbid(unsafe_code)]

mod checksum;
mod codec;
mod entropy;
mod error;
mod limits;
mod message;
mod resources;
mod route;
pub mod sections;
mod stream;
#[cfg(feature = "trust")]
pub mod trust;
mod wire;

pub use codec::{
    Encoding, Granularity, Layout, ScaleLayout, ScaleWidth, Stage, quantize_roundtrip,
};
pub use entropy::{EntropyAxis, EntropyTables};
pub use error::{Error, ErrorKind, Family, Result};
pub use half::bf16;
pub use limits::Limits;
pub use message::{
    Fingerprint, Header, Latents, MAX_NAME_BYTES, MAX_RANK, Message, MessageId, ModelRef, Section,
    Shape, SpaceRef, Values,
};
pub use resources::{Dictionary, Resources};
pub use route::Route;
pub use stream::{
    Damage, IndexEntry, IndexFinding, PacketId, PacketReader, PacketWriter, Recovered, Recovery,
    StreamError, StreamIndex, StreamPacket, Tail,
};
pub use wire::{
    ANSWER_SPACE, Address, Compression, EncodeOptions, Format, LATENTS, LITERALS, LatentsInfo,
    MAGIC, MAX_TYPE, METADATA, Packet, SEAL, SectionInfo, TEXT, TRACE, Version,
};
