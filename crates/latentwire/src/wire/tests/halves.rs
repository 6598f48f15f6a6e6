//! Numbers in bfloat16: written like the f32 of the same values, and read as they are where they are
//! written in bf16.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{Granularity, Resources, bf16};

/// The message of these numbers in bfloat16, and the one of the same values in f32.
fn both(extents: &[usize], halves: &[bf16]) -> [Message<'static>; 2] {
    let wide = halves.iter().map(|half| half.to_f32()).collect();
    let mut given = message(extents, Vec::new());
    given.latents[0].values = Values::Bf16(halves.to_vec().into());
    [given, message(extents, wide)]
}

proptest! {
    #[test]
    fn they_are_written_like_the_f32_of_the_same_values(
        bits in vec(prop_oneof![9 => 0x3000_u16..0x4300, 3 => 0xB000_u16..0xC300, 1 => any::<u16>()], 12),
    ) {
        let halves: Vec<bf16> = bits.into_iter().map(bf16::from_bits).collect();
        let [given, wide] = both(&[2, 6], &halves);
        for &encoding in Encoding::ALL {
            let granularities = [
                Granularity::Row, Granularity::Tensor, Granularity::Channel, Granularity::Group(3),
            ];
            for granularity in granularities {
                for asymmetric in [false, true] {
                    let options = stored(encoding).with_granularity(granularity);
                    let options = options.with_asymmetric(asymmetric);
                    prop_assert_eq!(given.encode(&options), wide.encode(&options));
                }
            }
        }
    }
}

#[test]
fn they_come_back_as_they_are() {
    let halves: Vec<bf16> = (0..5000).map(|at| bf16::from_f32((at - 999) as f32)).collect();
    let [given, _] = both(&[2, 2500], &halves);
    let limits = Limits::default();
    let bytes = given.encode(&stored(Encoding::Bf16)).unwrap();
    let info = Packet::parse(&bytes, &limits).unwrap().latents()[0];
    let read = |bytes: &[u8], room: usize| {
        let mut found = vec![bf16::NAN; room];
        info.decode_bf16_into(bytes, &Resources::default(), &limits, &mut found).map(|()| found)
    };
    assert_eq!(read(&bytes, 5000).unwrap(), halves);
    assert_eq!(read(&bytes, 4999).unwrap_err().kind(), ErrorKind::MessageShape);
    let mut infinite = bytes.clone();
    infinite[info.payload_offset + 9998..][..2].copy_from_slice(&bf16::INFINITY.to_le_bytes());
    let error = read(&infinite, 5000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LatentsValue);
    assert_eq!(error.offset(), Some(info.payload_offset + 9998));
}

#[test]
fn other_encodings_are_not_in_bf16() {
    for &encoding in Encoding::ALL.iter().filter(|&&encoding| encoding != Encoding::Bf16) {
        let bytes = message(&[1], vec![1.0]).encode(&stored(encoding)).unwrap();
        let limits = Limits::default();
        let info = Packet::parse(&bytes, &limits).unwrap().latents()[0];
        let mut room = [bf16::ZERO];
        let error = info.decode_bf16_into(&bytes, &Resources::default(), &limits, &mut room);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::LatentsEncoding);
    }
}
