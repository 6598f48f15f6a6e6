//! A digest is that of the content, however it travels.

use super::*;
use crate::sections::Text;

fn content() -> Message<'static> {
    message(1, &[4, 64], vec![0.5; 256])
}

fn digest(given: &Message<'_>, options: &EncodeOptions<'_>) -> Digest {
    parse(&given.encode(options).unwrap()).digest(&limits()).unwrap()
}

#[test]
fn how_content_travels_does_not_change_its_digest() {
    let options = EncodeOptions::default();
    let wanted = digest(&content(), &options);

    let mut other = content();
    other.header.message_id = MessageId([9; 16]);
    other.header.sender.name = "the same under another name";
    other.header.space.name = "likewise";
    other.sections.push(Section { section_type: 6, body: b"a trace" });
    assert_eq!(digest(&other, &options), wanted);

    let sealed = sealers(1)[0].seal(&content().encode(&options).unwrap()).unwrap();
    assert_eq!(parse(&sealed).digest(&limits()).unwrap(), wanted);
    let compact = content().encode_on(&route(), &options).unwrap();
    assert_eq!(parse(&compact).digest_on(&route(), &limits()).unwrap(), wanted);
    let error = parse(&compact).digest(&limits()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HeaderRoute);
    #[cfg(feature = "zstd")]
    {
        let small = options.with_compression(Compression::Zstd { level: 3 });
        let packet = content().encode(&small).unwrap();
        assert_eq!(parse(&packet).latents()[0].stage, crate::Stage::Zstd);
        assert_eq!(digest(&content(), &small), wanted);
    }
}

#[cfg(feature = "zstd")]
#[test]
fn a_text_has_the_same_digest_compressed() {
    let text = Text("again and again and again and again and again and again".into());
    let digest_of = |body: &[u8]| {
        let mut given = content();
        given.sections.push(Section { section_type: Text::TYPE, body });
        digest(&given, &EncodeOptions::default())
    };
    let (plain, small) = (text.encode().unwrap(), text.encode_compressed(19).unwrap());
    assert!(small.len() < plain.len());
    assert_eq!(digest_of(&plain), digest_of(&small));
    assert_ne!(digest_of(&plain), digest(&content(), &EncodeOptions::default()));
    assert_ne!(digest_of(&plain), digest_of(&Text("again".into()).encode().unwrap()));
}

#[test]
fn other_content_has_another_digest() {
    let options = EncodeOptions::default();
    let changes: [&dyn Fn(&mut Message<'_>); 8] = [
        &|given| given.header.sender.fingerprint.0[0] ^= 1,
        &|given| given.header.space.fingerprint.0[15] ^= 1,
        &|given| given.header.receiver = None,
        &|given| given.latents[0].values = Values::Numbers(vec![0.25; 256].into()),
        &|given| given.latents[0].shape = Shape::new(&[64, 4]).unwrap(),
        &|given| given.latents[0].name = "named",
        &|given| given.sections.push(Section { section_type: 4096, body: b"" }),
        &|given| given.sections.push(Section { section_type: 4096, body: b"1" }),
    ];
    let mut digests = vec![
        digest(&content(), &options),
        digest(&content(), &options.with_encoding(Encoding::F16)),
    ];
    for change in changes {
        let mut other = content();
        change(&mut other);
        digests.push(digest(&other, &options));
    }
    let codes = |codebook, size| {
        let mut other = content();
        other.latents[0].values = Values::Codes {
            codebook: Fingerprint([codebook; 16]),
            size,
            codes: vec![1; 256].into(),
        };
        digest(&other, &options)
    };
    digests.extend([codes(4, 8), codes(5, 8), codes(4, 7)]);
    for (index, one) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(one), "{index}");
    }
}
