//! Any bytes: they are decoded, or refused with an error that has its place in them. Never a panic,
//! never more memory than what they declare.

#![no_main]

use latentwire::{Error, Family, Format, Limits, Packet, Values};
use latentwire_fuzz::{limits, mutate_packet, resources};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

/// What reading takes beside the latents: lists of sections, a payload without its lossless stage,
/// the text of an error. The limits keep it at a fourth of what `tests/memory.rs` allows.
const SLACK: u64 = 256 << 10;

fuzz_target!(|data: &[u8]| {
    let (limits, mut declared) = (limits(), 0);
    let memory = allocation_counter::measure(|| {
        if let Err(error) = decode(data, &limits, &mut declared) {
            check_error(data, &error);
        }
    });
    let (peak, allowed) = (memory.bytes_max, declared + SLACK);
    assert!(peak <= allowed, "{peak} bytes allocated where {allowed} are allowed");
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_packet(data, size, max_size, seed)
});

fn decode(data: &[u8], limits: &Limits, declared: &mut u64) -> latentwire::Result<()> {
    let packet = Packet::parse(data, limits)?;
    assert_eq!(packet.as_bytes(), data);
    *declared = declared_bytes(&packet);
    let message = packet.decode_with(&resources(&packet), limits)?;
    for latents in &message.latents {
        assert_eq!(latents.shape.num_elements(), latents.values.len() as u64);
        match &latents.values {
            Values::Numbers(numbers) => assert!(numbers.iter().all(|number| number.is_finite())),
            Values::Bf16(_) => unreachable!("packets are read as f32"),
            Values::Codes { size, codes, .. } => {
                assert!(codes.iter().all(|&code| u32::from(code) < *size));
            }
        }
    }
    Ok(())
}

/// Bytes of all latents in memory.
fn declared_bytes(packet: &Packet<'_>) -> u64 {
    let latents = packet.latents().iter().map(|info| {
        let bytes_each = match info.format {
            Format::Numbers(_) => size_of::<f32>(),
            Format::Codes { .. } => size_of::<u16>(),
        };
        info.shape.num_elements() * bytes_each as u64
    });
    latents.sum()
}

fn check_error(data: &[u8], error: &Error) {
    assert_ne!(error.kind().family(), Family::InvalidMessage, "{error}");
    assert!(error.offset().is_none_or(|offset| offset <= data.len()), "{error}");
    assert!(!error.to_string().is_empty());
}
