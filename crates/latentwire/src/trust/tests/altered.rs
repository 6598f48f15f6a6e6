//! Ten thousand honest packets are accepted, ten thousand altered ones are refused, and none of these
//! keeps the packet that it was made of from being accepted.

use super::*;

const COUNT: usize = 10_000;

/// Packets to be sealed; those of one kind modulo their number have the same layout.
const KINDS: usize = 120;

fn packets(dice: &mut Dice) -> Vec<Vec<u8>> {
    (0..2 * KINDS).map(|index| any_packet(dice, index % KINDS)).collect()
}

#[test]
fn honest_packets_are_accepted() {
    let mut dice = Dice(1);
    let packets = packets(&mut dice);
    let (mut sealers, mut verifier) = (sealers(1), verifier(1));
    let compact: Vec<_> =
        packets.iter().map(|bytes| parse(bytes).to_compact(&route()).unwrap()).collect();
    for number in 0..COUNT {
        let by = &mut sealers[choose(number)];
        let index = dice.below(packets.len());
        // Sealed in one profile and read in one, not always the same.
        let mut sent = match number % 3 {
            0 => by.seal(&packets[index]),
            1 => by.seal_on(&packets[index], &route()),
            _ => by.seal_on(&compact[index], &route()),
        }
        .unwrap();
        if number % 5 == 0 {
            sent = parse(&sent).to_compact(&route()).unwrap();
        } else if number % 5 == 1 {
            sent = parse(&sent).to_self_contained(&route()).unwrap();
        }
        if number % 7 < 3 {
            sent = parse(&sent).truncate_sealed(1 + number as u32 % 7, &limits()).unwrap();
        }
        let proven = verifier.verify_on(&sent, &route(), &limits()).unwrap();
        assert_eq!(proven.session(), by.session());
        let found = proven.packet().decode_on(&route(), &limits()).unwrap();
        let given = parse(&packets[index]).decode(&limits()).unwrap();
        assert_eq!((found.header, found.sections), (given.header, given.sections));
    }
}

#[test]
fn altered_packets_are_refused() {
    let mut dice = Dice(2);
    let packets = packets(&mut dice);
    let (mut sealers, mut strangers) = (sealers(1), sealers(2));
    let (mut verifier, mut refused) = (verifier(1), 0);
    for number in 0.. {
        if refused == COUNT {
            break;
        }
        let kind = dice.below(KINDS);
        let [one, other] = [&packets[kind], &packets[kind + KINDS]];
        let which = choose(number);
        // Two packets of one layout, and now and then one by someone who has another key.
        let sealed = sealers[which].seal(one).unwrap();
        let second = sealers[which].seal(other).unwrap();
        let mut foreign = || strangers[which].seal(one).unwrap();
        let altered = alter(number, &sealed, &second, &mut foreign, &mut dice);
        let Some(altered) = altered.filter(|altered| *altered != sealed && *altered != second)
        else {
            continue;
        };
        let found = verifier.verify(&altered, &limits());
        assert!(found.is_err(), "way {} of {number}", number % WAYS);
        refused += 1;
        verifier.verify(&sealed, &limits()).unwrap();
        let again = verifier.verify(&sealed, &limits()).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::SealReplay);
    }
}

const WAYS: usize = 16;

/// One of the ways to make another packet of what was heard; `None` where it does not apply.
fn alter(
    number: usize,
    sealed: &[u8],
    second: &[u8],
    foreign: &mut dyn FnMut() -> Vec<u8>,
    dice: &mut Dice,
) -> Option<Vec<u8>> {
    let (mut parts, theirs) = (Parts::of(sealed), Parts::of(second));
    let packet = parse(sealed);
    match number % WAYS {
        // One bit, and the checksum of a forger or of none.
        0..4 => {
            let mut bytes = sealed.to_vec();
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            return Some(if number.is_multiple_of(2) { resummed(bytes) } else { bytes });
        }
        // One section less, or twice, or in another place.
        4 => drop(parts.sections.remove(dice.below(parts.sections.len()))),
        5 => {
            let index = dice.below(parts.sections.len());
            let section = parts.sections[index].clone();
            parts.sections.insert(index, section);
        }
        6 => {
            let last = parts.sections.len() - 1;
            parts.sections.swap(dice.below(last), last);
        }
        // One section of another packet more, or instead.
        7 => {
            let section = theirs.sections[dice.below(theirs.sections.len())].clone();
            let at = parts.sections.partition_point(|(of, ..)| *of <= section.0);
            parts.sections.insert(at, section);
        }
        8 => {
            let index = dice.below(parts.sections.len());
            parts.sections[index] = theirs.sections[index].clone();
        }
        9 => parts.header = theirs.header,
        // Rows of another packet.
        10 => {
            let info = packet.latents()[0];
            let other = parse(second);
            let start = dice.below(info.payload_length);
            let stop = start + 1 + dice.below(info.payload_length - start);
            let payload = other.latents()[0].payload(second);
            let mut bytes = sealed.to_vec();
            bytes[info.payload_offset..][start..stop].copy_from_slice(&payload[start..stop]);
            return Some(resummed(bytes));
        }
        // Under a key that the verifier does not have, whole or only the seal.
        11 => return Some(foreign()),
        12 => *parts.seal() = Parts::of(&foreign()).seal().clone(),
        // Another session, or another number.
        13 => parts.seal()[9 + dice.below(16)] ^= 1 << dice.below(8),
        14 => parts.seal()[25 + dice.below(8)] ^= 1 << dice.below(8),
        // Cut, and then something about the cut.
        _ => {
            let cut = packet.truncate_sealed(1 + dice.below(5) as u32, &limits()).ok()?;
            let mut cut = Parts::of(&cut);
            let seal = cut.seal();
            let end = seal.len() - if seal[0] == 3 { 64 } else { 32 };
            match dice.below(3) {
                0 => cut.seal()[33 + dice.below(end - 33)] ^= 1 << dice.below(8),
                1 => drop(cut.seal().splice(33..end, [0])),
                _ => cut.sections[0] = parts.sections[0].clone(),
            }
            return Some(cut.join());
        }
    }
    Some(parts.join())
}
