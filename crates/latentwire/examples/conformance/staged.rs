//! Payloads under a lossless stage.

use latentwire::{Compression, EncodeOptions, Encoding, EntropyTables, Message, Route};

use crate::Failure;
use crate::shared::{Shared, graded, graded_codes, peaked};
use crate::valid::{ROUTE, Vector, holding};

/// Stages that need nothing.
pub(crate) fn compressed() -> Result<Vec<Vector>, Failure> {
    let level = Compression::Zstd { level: 9 };
    let of = |name, encoding| write(name, holding(&[4, 64], &[0.5; 256])?, encoding, level);
    Ok(vec![of("f32-zstd", Encoding::F32)?, of("int8-zstd", Encoding::Int8)?])
}

/// Stages that need something beside the packet.
pub(crate) fn staged(shared: &Shared) -> Result<Vec<Vector>, Failure> {
    let [int4_columns, int2, int4_rows, codes_rows] =
        shared.tables.each_ref().map(Compression::Entropy);
    let zstd = Compression::ZstdDictionary { level: 9, dictionary: &shared.dictionary };
    Ok(vec![
        write("int4-entropy", peaked(&[32, 16])?, Encoding::Int4, int4_columns)?,
        write("int2-entropy", peaked(&[32, 16])?, Encoding::Int2, int2)?,
        write("int8-zstd-dictionary", peaked(&[32, 16])?, Encoding::Int8, zstd)?,
        // Fewer rows than the tables have models, and rows of another length than in the sample.
        write("int4-entropy-rows", graded(&[6, 16])?, Encoding::Int4, int4_rows)?,
        // The rows of the tables are all axes but the last.
        write("int4-entropy-rows-rank-3", graded(&[2, 3, 16])?, Encoding::Int4, int4_rows)?,
        // 4096 symbols, the fewest with four states.
        write("codes-entropy-rows", graded_codes(&[8, 512])?, Encoding::Int8, codes_rows)?,
    ])
}

/// The same in compact packets, whose routes say what is needed.
pub(crate) fn compact(shared: &Shared) -> Result<Vec<Vector>, Failure> {
    let [int4_columns, _, int4_rows, codes_rows] = &shared.tables;
    let by_tables = |name, given, encoding, tables| {
        let route = Route { tables: Some(EntropyTables::fingerprint(tables)), ..ROUTE };
        write_on(name, route, given, encoding, Compression::Entropy(tables))
    };
    let route = Route { dictionary: Some(shared.dictionary.fingerprint()), ..ROUTE };
    let zstd = Compression::ZstdDictionary { level: 9, dictionary: &shared.dictionary };
    let with_zstd = peaked(&[32, 16])?;
    Ok(vec![
        by_tables("compact-int4-entropy", peaked(&[4, 16])?, Encoding::Int4, int4_columns)?,
        by_tables("compact-int4-entropy-rows", graded(&[6, 16])?, Encoding::Int4, int4_rows)?,
        by_tables(
            "compact-codes-entropy-rows",
            graded_codes(&[8, 16])?,
            Encoding::Int8,
            codes_rows,
        )?,
        write_on("compact-int8-zstd-dictionary", route, with_zstd, Encoding::Int8, zstd)?,
    ])
}

fn write(
    name: &'static str,
    given: Message<'static>,
    encoding: Encoding,
    compression: Compression<'_>,
) -> Result<Vector, Failure> {
    let options = EncodeOptions::default().with_encoding(encoding).with_compression(compression);
    Ok(Vector { name, bytes: given.encode(&options)?, given, route: None })
}

fn write_on(
    name: &'static str,
    route: Route<'static>,
    given: Message<'static>,
    encoding: Encoding,
    compression: Compression<'_>,
) -> Result<Vector, Failure> {
    let options = EncodeOptions::default().with_encoding(encoding).with_compression(compression);
    let given = Message { header: route.header(7), ..given };
    Ok(Vector { name, bytes: given.encode_on(&route, &options)?, given, route: Some(route) })
}
