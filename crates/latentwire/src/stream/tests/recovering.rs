//! What can be read of a damaged stream.

use super::*;

fn damage(begin: usize, end: usize, found: &Part) -> (ErrorKind, bool) {
    let Part::Damage(damage) = found else { panic!("{found:?}") };
    assert_eq!(damage.range, begin as u64..end as u64);
    (damage.error.kind(), damage.torn)
}

#[test]
fn a_whole_stream_has_no_damage() {
    let [a, b, c] = three();
    let (second, third) = (a.len() as u64, (a.len() + b.len()) as u64);
    assert_eq!(parts(&b""[..], &limits()), []);
    assert_eq!(
        parts(&*three().concat(), &limits()),
        [Part::Packet(0, a), Part::Packet(second, b), Part::Packet(third, c)]
    );
}

#[test]
fn a_flipped_bit_costs_its_packet_and_no_other() {
    let [a, b, c] = three();
    let (second, third) = (a.len(), a.len() + b.len());
    for bit in 0..b.len() * 8 {
        let mut stream = three().concat();
        stream[second + bit / 8] ^= 1 << (bit % 8);
        let found = parts(&*stream, &limits());
        assert_eq!(found.len(), 3, "{bit}: {found:?}");
        assert_eq!(found[0], Part::Packet(0, a.clone()));
        let (_, torn) = damage(second, third, &found[1]);
        assert!(!torn);
        assert_eq!(found[2], Part::Packet(third as u64, c.clone()));
    }
}

#[test]
fn a_stream_that_is_cut_loses_the_torn_packet() {
    let [a, b, c] = three();
    let start = a.len() + b.len();
    for len in 1..c.len() {
        let found = parts(&three().concat()[..start + len], &limits());
        assert_eq!(found.len(), 3, "{len}: {found:?}");
        let (kind, torn) = damage(start, start + len, &found[2]);
        assert_eq!((kind.family(), torn), (Family::Truncated, true));
    }
}

#[test]
fn what_is_no_packet_is_passed_over_wherever_it_stands() {
    let [a, b, _] = three();
    let long = vec![0x89; 600_000];
    let rubbish: [&[u8]; 6] =
        [b"x", b"text in between", b"\x89LWP", b"\x89LWP\x89LWP\x01", &claim(0, 40), &long];
    for rubbish in rubbish {
        let stream = [rubbish, &a, rubbish, &b, rubbish].concat();
        let found = parts(&*stream, &limits());
        let (one, two) = (rubbish.len(), rubbish.len() + a.len());
        let (three, four) = (two + rubbish.len(), two + rubbish.len() + b.len());
        assert_eq!(found.len(), 5, "{rubbish:?}");
        damage(0, one, &found[0]);
        assert_eq!(found[1], Part::Packet(one as u64, a.clone()));
        damage(two, three, &found[2]);
        assert_eq!(found[3], Part::Packet(three as u64, b.clone()));
        let (kind, torn) = damage(four, stream.len(), &found[4]);
        assert_eq!(torn, kind.family() == Family::Truncated);
    }
}

/// A length that was hit by a flipped bit claims the packets after it, but it is not torn: they
/// are there.
#[test]
fn a_length_that_runs_past_the_end_is_torn_only_if_nothing_follows() {
    let [a, b, _] = three();
    let stream = [&claim(0, 1 << 20), &*a, &*b].concat();
    let found = parts(&*stream, &limits());
    assert_eq!(damage(0, 8 + 2, &found[0]), (ErrorKind::PacketTruncated, false));
    assert_eq!(found.len(), 3);
}

/// Where a whole packet is carried inside another, the outer one is the packet of the stream, as
/// long as it is sound.
#[test]
fn a_packet_inside_a_packet() {
    let inner = packet(5, 50);
    let outer = framed(0, &[&[1; 16], &*inner, b"after"].concat());
    assert_eq!(parts(&*outer, &limits()), [Part::Packet(0, outer.clone())]);
    let found = parts(&outer[..outer.len() - 1], &limits());
    assert_eq!(found.len(), 3);
    let begin = 8 + 16;
    assert!(!damage(0, begin, &found[0]).1, "only what is surely torn is called torn");
    assert_eq!(found[1], Part::Packet(begin as u64, inner.clone()));
    damage(begin + inner.len(), outer.len() - 1, &found[2]);
}

#[test]
fn a_packet_over_the_limit_is_passed_over_and_named() {
    let [a, b, c] = three();
    let tight = limits().with_total_bytes(a.len().max(c.len()));
    let found = parts(&*three().concat(), &tight);
    assert_eq!(found.len(), 3);
    let (kind, torn) = damage(a.len(), a.len() + b.len(), &found[1]);
    assert_eq!((kind, torn), (ErrorKind::LimitTotalBytes, false));
}

/// Half a megabyte in which every few bytes claim to be a packet of as much as the limit allows.
/// Summing each claim would take minutes.
#[test]
fn time_is_linear_in_the_length_of_the_stream() {
    let len = 1 << 19;
    let last = packet(1, 1000);
    for claims in [claim(0, len as u32 / 2), claim(0, len as u32 * 2), MAGIC.to_vec()] {
        let mut stream = claims.repeat(len / claims.len());
        let begin = stream.len();
        stream.extend(&last);
        let found = parts(&*stream, &limits());
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], Part::Packet(begin as u64, last.clone()));
    }
}
