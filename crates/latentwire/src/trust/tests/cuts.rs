//! A sealed packet is cut without the key, and its seal holds.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_sealed_packet_may_be_cut_and_cut_again(
        kind in 0_usize..120,
        rows in prop::collection::vec(1_u32..8, 1..4),
        which in 0_usize..2,
    ) {
        let bytes = any_packet(&mut Dice(kind as u64), kind);
        let sealer = &mut sealers(1)[which];
        let mut sealed = sealer.seal(&bytes).unwrap();
        for &rows in &rows {
            sealed = parse(&sealed).truncate_sealed(rows, &limits()).unwrap();
        }
        let left = rows.iter().copied().min().unwrap();
        // Cutting at once is cutting step by step.
        let at_once = parse(&sealed).truncate_sealed(left, &limits()).unwrap();
        prop_assert_eq!(&at_once, &sealed);
        let verified = verifier(1).verify(&sealed, &limits()).unwrap().clone();
        prop_assert_eq!(verified.is_cut(), left < 6);
        // What is left is what a packet without a seal would be cut to.
        let wanted = parse(&bytes).truncate(left, &limits()).unwrap();
        prop_assert_eq!(verified.unsealed().unwrap(), wanted);
    }
}

#[test]
fn a_cut_keeps_the_hash_of_what_is_gone_and_no_more() {
    let bytes = message(1, &[6, 8], Dice(1).numbers(48))
        .encode(&EncodeOptions::default().with_encoding(Encoding::F32))
        .unwrap();
    let sealed = sealers(1)[1].seal(&bytes).unwrap();
    let cut = parse(&sealed).truncate_sealed(2, &limits()).unwrap();
    assert_eq!(sealed.len() - cut.len(), 4 * 8 * 4 - 34 + 1); // and a byte of length
}

#[test]
fn what_would_not_keep_its_bytes_is_not_cut_under_its_seal() {
    let refuse = |given: Message<'_>, options: &EncodeOptions<'_>| {
        let sealed = sealers(1)[1].seal(&given.encode(options).unwrap()).unwrap();
        let error = parse(&sealed).truncate_sealed(1, &limits()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MessageSeal, "{error}");
        // There is nothing to cut off, and then nothing changes.
        assert_eq!(parse(&sealed).truncate_sealed(2, &limits()).unwrap(), sealed);
    };
    // The scale of the second row is too large for an f16, and once it is gone the others are f16.
    refuse(message(1, &[2, 2], vec![1.0, 2.0, 1e9, 0.0]), &EncodeOptions::default());
    if cfg!(feature = "zstd") {
        let options = EncodeOptions::default()
            .with_encoding(Encoding::F32)
            .with_compression(Compression::Zstd { level: 3 });
        refuse(message(1, &[2, 64], vec![0.5; 128]), &options);
    }
}

/// A seal covers the version, and what is cut is written in that of this crate.
#[test]
fn a_packet_of_another_version_is_not_cut_under_its_seal() {
    let mut sealed = sealers(1)[1]
        .seal(&message(1, &[2, 4], vec![1.0; 8]).encode(&EncodeOptions::default()).unwrap())
        .unwrap();
    sealed[5] = 9;
    let error = parse(&resummed(sealed)).truncate_sealed(1, &limits()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MessageSeal, "{error}");
}

#[test]
fn latents_of_one_axis_are_one_row() {
    let bytes = message(1, &[4], vec![1.0; 4]).encode(&EncodeOptions::default()).unwrap();
    let sealed = sealers(1)[0].seal(&bytes).unwrap();
    assert_eq!(parse(&sealed).truncate_sealed(1, &limits()).unwrap(), sealed);
    assert!(!verifier(1).verify(&sealed, &limits()).unwrap().is_cut());
}
