//! Lossless stages that need something which both ends have: dictionaries and entropy tables.

use super::refusals::Case;
use super::*;
#[cfg(feature = "zstd")]
use crate::Dictionary;
use crate::{EntropyAxis, EntropyTables, Resources, Route};

/// Numbers close to normal, the same on every machine.
fn normal(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| (0..4).map(|_| uniform()).sum()).collect()
}

/// The symbols of a message, taken from the wire.
fn symbols(encoding: Encoding, seed: u32) -> Vec<u8> {
    let bytes = message(&[64, 64], normal(4096, seed)).encode(&stored(encoding)).unwrap();
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    let codes = &packet.latents()[0].payload(&bytes)[64 * 2..];
    match encoding {
        Encoding::Int8 => codes.iter().map(|code| code.wrapping_add(127)).collect(),
        Encoding::Int4 => codes.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect(),
        Encoding::Int2 => {
            codes.iter().flat_map(|byte| [0, 2, 4, 6].map(|shift| byte >> shift & 3)).collect()
        }
        _ => {
            codes.iter().flat_map(|byte| [0, 1, 2, 3, 4, 5, 6, 7].map(|b| byte >> b & 1)).collect()
        }
    }
}

fn alphabet(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Int8 => 255,
        Encoding::Int4 => 15,
        Encoding::Int2 => 4,
        _ => 2,
    }
}

fn tables(encoding: Encoding) -> EntropyTables {
    EntropyTables::fit([&symbols(encoding, 1)[..]], 64, alphabet(encoding), EntropyAxis::Shared)
        .unwrap()
}

const QUANTIZED: [Encoding; 4] = [Encoding::Int8, Encoding::Int4, Encoding::Int2, Encoding::Sign];

#[test]
fn codes_under_the_entropy_coder_come_back_and_take_fewer_bytes() {
    for encoding in QUANTIZED {
        let tables = [tables(encoding)];
        let given = message(&[32, 256], normal(8192, 2));
        let plain = given.encode(&stored(encoding)).unwrap();
        let options = stored(encoding).with_compression(Compression::Entropy(&tables[0]));
        let bytes = given.encode(&options).unwrap();
        if encoding == Encoding::Sign {
            assert_eq!(bytes, plain, "signs that are even take a bit each");
            continue;
        }
        let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
        assert_eq!(packet.latents()[0].stage, crate::Stage::Entropy);
        assert_eq!(packet.latents()[0].resource, Some(tables[0].fingerprint()));
        assert!(bytes.len() < plain.len() * 97 / 100, "{encoding:?}: {}", bytes.len());
        let resources = Resources::default().with_tables(&tables);
        let found = packet.decode_with(&resources, &Limits::default()).unwrap();
        let wanted = read(&plain, &Limits::default()).unwrap();
        assert_eq!(found, wanted);
    }
}

#[test]
fn indices_are_coded_too() {
    for size in [2_u32, 5, 16, 200, 256] {
        let codes: Vec<u16> = normal(512, 3)
            .iter()
            .map(|x| (((x + 4.0) / 8.0 * size as f32) as u32).min(size - 1) as u16)
            .collect();
        let as_symbols: Vec<u8> = codes.iter().map(|&code| code as u8).collect();
        let tables =
            [EntropyTables::fit([&as_symbols[..]], 16, size as usize, EntropyAxis::Column)
                .unwrap()];
        let mut given = message(&[32, 16], Vec::new());
        given.latents[0].values =
            Values::Codes { codebook: Fingerprint([7; 16]), size, codes: codes.into() };
        let options = EncodeOptions::default().with_compression(Compression::Entropy(&tables[0]));
        let bytes = given.encode(&options).unwrap();
        let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
        assert_eq!(packet.latents()[0].stage == crate::Stage::Entropy, size > 2, "{size}");
        let resources = Resources::default().with_tables(&tables);
        assert_eq!(packet.decode_with(&resources, &Limits::default()).unwrap(), given);
    }
}

#[test]
fn symbols_for_fitting_are_those_of_the_wire() {
    for encoding in QUANTIZED {
        let given = message(&[64, 64], normal(4096, 9));
        let found = stored(encoding).symbols(&given.latents[0]).unwrap();
        assert_eq!(found, symbols(encoding, 9), "{encoding:?}");
    }
    let floats = message(&[1], vec![1.0]);
    let error = stored(Encoding::F32).symbols(&floats.latents[0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MessageEntropy);
}

#[test]
fn auto_keeps_the_smallest() {
    let tables = [tables(Encoding::Int8), tables(Encoding::Int4)];
    let auto = Compression::Auto { level: 9, dictionaries: &[], tables: &tables };
    let stage = |given: &Message<'_>, encoding| {
        let bytes = given.encode(&stored(encoding).with_compression(auto)).unwrap();
        for other in [Compression::None, Compression::Zstd { level: 9 }] {
            if cfg!(feature = "zstd") || other == Compression::None {
                let options = stored(encoding).with_compression(other);
                assert!(bytes.len() <= given.encode(&options).unwrap().len());
            }
        }
        Packet::parse(&bytes, &Limits::default()).unwrap().latents()[0].stage
    };
    let noise = message(&[32, 256], normal(8192, 4));
    assert_eq!(stage(&noise, Encoding::Int4), crate::Stage::Entropy);
    if cfg!(feature = "zstd") {
        assert_eq!(
            stage(&message(&[32, 256], vec![0.5; 8192]), Encoding::Int4),
            crate::Stage::Zstd
        );
    }
    // No tables are for signs, and they are as short as they can be.
    assert_eq!(stage(&noise, Encoding::Sign), crate::Stage::Stored);
}

#[test]
fn auto_counts_the_fingerprint_that_tables_are_named_by() {
    let plain = stored(Encoding::Int4);
    for count in 1..200 {
        let numbers = (0..count).map(|at| if at % 4 == 3 { 1.0 } else { 0.0 }).collect();
        let given = message(&[count], numbers);
        let symbols = plain.symbols(&given.latents[0]).unwrap();
        let tables = EntropyTables::fit([&symbols[..]], count, 15, EntropyAxis::Shared).unwrap();
        let tables = [tables];
        let auto = plain.with_compression(Compression::Auto {
            level: 9,
            dictionaries: &[],
            tables: &tables,
        });
        let (auto, plain) = (given.encode(&auto).unwrap(), given.encode(&plain).unwrap());
        assert!(auto.len() <= plain.len(), "{count}: {} bytes, {}", auto.len(), plain.len());
    }
}

#[test]
fn a_packet_under_the_entropy_coder_is_cut_to_its_first_rows() {
    let tables = [tables(Encoding::Int4)];
    let options = stored(Encoding::Int4).with_compression(Compression::Entropy(&tables[0]));
    let numbers = normal(8192, 5);
    let whole = message(&[32, 256], numbers.clone()).encode(&options).unwrap();
    let wanted = message(&[4, 256], numbers[..1024].to_vec()).encode(&options).unwrap();
    let resources = Resources::default().with_tables(&tables);
    let packet = Packet::parse(&whole, &Limits::default()).unwrap();
    assert_eq!(packet.truncate_with(4, &resources, &Limits::default()).unwrap(), wanted);
}

#[test]
fn a_route_names_tables_so_that_the_packet_need_not() {
    let tables = [tables(Encoding::Int4)];
    let fingerprint = tables[0].fingerprint();
    let route = Route {
        id: 1,
        message_prefix: *b"0123456789ab",
        sender: header().sender,
        receiver: None,
        space: header().space,
        codebook: None,
        dictionary: None,
        tables: Some(fingerprint),
    };
    let given = Message { header: route.header(1), ..message(&[32, 256], normal(8192, 6)) };
    let options = stored(Encoding::Int4).with_compression(Compression::Entropy(&tables[0]));
    let short = given.encode_on(&route, &options).unwrap();
    let full = given.encode(&options).unwrap();
    let packet = Packet::parse(&short, &Limits::default()).unwrap();
    assert_eq!(packet.latents()[0].resource, None);
    assert_eq!(packet.to_self_contained(&route).unwrap(), full);
    let resources = Resources::default().with_tables(&tables).with_route(&route);
    packet.decode_with(&resources, &Limits::default()).unwrap();
    let packet = Packet::parse(&full, &Limits::default()).unwrap();
    assert_eq!(packet.to_compact(&route).unwrap(), short);
}

#[cfg(feature = "zstd")]
#[test]
fn a_dictionary_helps_short_payloads() {
    let numbers = normal(64, 7);
    let typical = message(&[64], numbers.clone()).encode(&stored(Encoding::F32)).unwrap();
    let dictionaries = [Dictionary::new(typical)];
    let dictionary = &dictionaries[0];
    let given = message(&[64], numbers);
    let options = stored(Encoding::F32)
        .with_compression(Compression::ZstdDictionary { level: 9, dictionary });
    let bytes = given.encode(&options).unwrap();
    assert!(bytes.len() < given.encode(&stored(Encoding::F32)).unwrap().len() / 2);
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    let resources = Resources::default().with_dictionaries(&dictionaries);
    assert_eq!(packet.decode_with(&resources, &Limits::default()).unwrap(), given);
    // Of all that there is, the dictionary makes it shortest.
    let other = [Dictionary::new(b"another".to_vec())];
    let auto = Compression::Auto { level: 9, dictionaries: &dictionaries, tables: &[] };
    assert_eq!(given.encode(&options.with_compression(auto)).unwrap(), bytes);
    let auto = Compression::Auto { level: 9, dictionaries: &other, tables: &[] };
    assert!(given.encode(&options.with_compression(auto)).unwrap().len() > bytes.len());
    let without = Resources::default().with_dictionaries(&other);
    let error = packet.decode_with(&without, &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LatentsResource);
}

pub(super) fn refusals() -> Vec<Case> {
    use ErrorKind as Kind;
    let tables = [tables(Encoding::Int4)];
    let limits = Limits::default();
    let resources = Resources::default().with_tables(&tables);
    let options = stored(Encoding::Int4).with_compression(Compression::Entropy(&tables[0]));
    let given = message(&[4, 256], normal(1024, 8));
    let bytes = given.encode(&options).unwrap();
    let packet = Packet::parse(&bytes, &limits).unwrap();
    let info = packet.latents()[0];
    // Bytes of the stream replaced, the checksum made right.
    let damaged = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] ^= byte;
        sealed(bytes)
    };
    let last = info.payload_offset + info.payload_length - 1;
    let stream = damaged(last, 0x40);
    let stream = Packet::parse(&stream, &limits).unwrap();
    let other = Resources::default();
    let without =
        given.encode(&stored(Encoding::F32).with_compression(Compression::Entropy(&tables[0])));
    vec![
        (Kind::LatentsEntropy, stream.decode_with(&resources, &limits).unwrap_err()),
        (Kind::LatentsResource, packet.decode_with(&other, &limits).unwrap_err()),
        (Kind::MessageEntropy, without.unwrap_err()),
        // Numbers without scales have no symbols.
        (Kind::LatentsStage, {
            refused(&with_latents(&[&[0x61, 0, 1][..], &[7; 16], &[0; 3]].concat()))
        }),
        (Kind::EntropyTables, EntropyTables::from_bytes(b"no tables").unwrap_err()),
    ]
}
