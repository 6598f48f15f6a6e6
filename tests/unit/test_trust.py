"""Seals, encryption and digests from Python."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from latentwire import errors
from latentwire.benchmark.sealed import crc32c
from latentwire.message import Limits, Message, ModelRef, Packet, Route, SpaceRef
from latentwire.resources import EntropyTables, Resources
from latentwire.trust import (
    Algorithm,
    Encryptor,
    Seal,
    Sealer,
    SealKey,
    Verifier,
    VerifyKey,
    decrypt,
    digest,
    truncate_sealed,
)

SENDER = ModelRef(name="tiny-llama", fingerprint=bytes(16))
SPACE = SpaceRef(name="tiny-v1", fingerprint=bytes(range(16)))
LATENTS = np.random.default_rng(1).standard_normal((8, 16)).astype(np.float32)
KEY = bytes(range(32))
ID = b"2026-11a"
ALGORITHMS: list[Algorithm] = ["hmac-sha-256", "blake3", "ed25519"]


def packet(**more: Any) -> Packet:
    fields: dict[str, Any] = {"latents": LATENTS, "sender": SENDER, "space": SPACE, **more}
    return Message(**fields).encode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_honest_packet_is_accepted_once(algorithm: Algorithm) -> None:
    key = SealKey(algorithm, ID, KEY)
    sealer, verifier = Sealer(key), Verifier([key.verify_key()])
    for number in range(3):
        sealed = sealer.seal(packet())
        found = verifier.verify(bytes(sealed))
        assert (found.algorithm, found.key_id, found.sequence) == (algorithm, ID, number)
        assert (found.session, found.is_cut) == (sealer.session, False)
        np.testing.assert_array_equal(found.packet.decode().latents, packet().decode().latents)
        with pytest.raises(errors.UntrustedPacketError) as caught:
            verifier.verify(sealed)
        assert caught.value.id == "seal.replay"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_seal_says_what_its_verifier_finds(algorithm: Algorithm) -> None:
    key = SealKey(algorithm, ID, KEY)
    sealer = Sealer(key)
    sealer.seal(packet())
    sealed = sealer.seal(packet())
    assert Seal.of(sealed) == Seal(algorithm, ID, sealer.session, 1, is_cut=False)
    cut = Seal.of(truncate_sealed(sealed, 3))
    assert cut is not None
    assert cut.is_cut
    assert Seal.of(packet()) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_packet_with_any_bit_altered_is_refused(algorithm: Algorithm) -> None:
    key = SealKey(algorithm, ID, KEY)
    verifier = Verifier([key.verify_key()])
    sealed = bytes(Sealer(key).seal(packet()))
    rng = random.Random(1)
    for _ in range(200):
        data = bytearray(sealed[:-4])
        data[rng.randrange(8, len(data))] ^= 1 << rng.randrange(8)
        with pytest.raises(errors.WireError):
            verifier.verify(bytes(data) + crc32c(bytes(data)).to_bytes(4, "little"))
    verifier.verify(sealed)


def test_the_checksum_of_these_tests_is_right() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_another_key_or_none_is_refused() -> None:
    sealed = Sealer(SealKey("blake3", ID, KEY)).seal(packet())
    others = [VerifyKey("blake3", ID, bytes(32)), VerifyKey("hmac-sha-256", ID, KEY)]
    for other, id_ in zip(others, ("seal.tag", "seal.key"), strict=True):
        with pytest.raises(errors.UntrustedPacketError) as caught:
            Verifier([other]).verify(sealed)
        assert caught.value.id == id_
    with pytest.raises(errors.UntrustedPacketError) as caught:
        Verifier(others).verify(packet())
    assert caught.value.id == "seal.missing"


def test_a_public_key_verifies_what_the_private_one_sealed() -> None:
    key = SealKey("ed25519", ID, KEY)
    public = key.verify_key().public_bytes
    assert public is not None
    Verifier([VerifyKey("ed25519", ID, public)]).verify(Sealer(key).seal(packet()))
    assert SealKey("blake3", ID, KEY).verify_key().public_bytes is None


def test_a_sealed_packet_may_be_cut_without_the_key() -> None:
    key = SealKey("blake3", ID, KEY)
    sealed = Sealer(key).seal(packet())
    cut = truncate_sealed(sealed, 3)
    found = Verifier([key.verify_key()]).verify(cut)
    assert found.is_cut
    np.testing.assert_array_equal(found.packet.decode().latents, packet().decode().latents[:3])
    with pytest.raises(errors.UntrustedPacketError):
        truncate_sealed(packet(), 3)


def test_only_announced_sessions_where_that_is_asked_for() -> None:
    key = SealKey("blake3", ID, KEY)
    sealer = Sealer(key)
    verifier = Verifier([key.verify_key()], expecting_sessions=True)
    with pytest.raises(errors.UntrustedPacketError) as caught:
        verifier.verify(sealer.seal(packet()))
    assert caught.value.id == "seal.session"
    verifier.expect(ID, sealer.session)
    verifier.verify(sealer.seal(packet()))


def test_a_compact_packet_is_sealed_and_verified_on_its_route() -> None:
    route = Route(id=1, sender=SENDER, space=SPACE)
    key = SealKey("blake3", ID, KEY)
    compact = packet(message_id=route.message_id(1)).to_compact(route)
    sealed = Sealer(key).seal(compact, route=route)
    assert sealed.route == (1, 1)
    full = sealed.to_self_contained(route)
    assert Verifier([key.verify_key()]).verify(full).sequence == 0
    other = Route(id=1, sender=SENDER, space=SPACE)  # another prefix of message ids
    with pytest.raises(errors.UntrustedPacketError):
        Verifier([key.verify_key()]).verify(sealed, route=other)


def test_an_encrypted_packet_comes_back_to_the_byte() -> None:
    encryptor = Encryptor(ID, KEY)
    first, second = encryptor.encrypt(packet()), encryptor.encrypt(packet())
    assert len(first) == len(bytes(packet())) + 50
    assert first != second
    given = packet()
    assert decrypt(encryptor.encrypt(given), ID, KEY) == given
    with pytest.raises(errors.UnsupportedFeatureError) as closed:
        Packet.from_bytes(first)
    assert closed.value.id == "preamble.profile"
    for id_, key, finding in ((b"another!", KEY, "key"), (ID, bytes(32), "tag")):
        with pytest.raises(errors.UntrustedPacketError) as caught:
            decrypt(first, id_, key)
        assert caught.value.id == f"envelope.{finding}"


def test_equal_content_has_an_equal_digest() -> None:
    tables = EntropyTables.fit(LATENTS[None], "int4")
    resources = Resources(tables=[tables])
    route = Route(id=1, sender=SENDER, space=SPACE)
    message = Message(latents=LATENTS, sender=SENDER, space=SPACE, message_id=route.message_id(1))
    plain = message.encode("int4")
    wanted = digest(plain)
    assert len(wanted) == 16
    short = message.encode("int4", compression="auto", resources=resources)
    assert digest(short, resources=resources) == wanted
    assert digest(plain.to_compact(route), route=route) == wanted
    assert digest(packet()) != wanted


def test_keys_of_other_lengths_are_misuse_and_keys_are_not_printed() -> None:
    for make in (
        lambda: SealKey("blake3", ID, b"short"),
        lambda: VerifyKey("blake3", b"", KEY),
        lambda: Encryptor(ID, b""),
    ):
        with pytest.raises(errors.UsageError):
            make()
    key = SealKey("blake3", ID, KEY)
    assert KEY.hex() not in repr(key) + repr(key.verify_key())


def test_whatever_can_be_encoded_can_be_sealed() -> None:
    key = SealKey("blake3", ID, KEY)
    sealer = Sealer(key)
    layers = {f"layer.{n}.{part}": LATENTS for n in range(32) for part in ("key", "value")}
    many = packet(latents=np.zeros(0, np.float32), tensors=layers)
    large = Message(latents=np.ones((4097, 1024), np.float32), sender=SENDER, space=SPACE)
    limits = Limits(sections=65, elements=4097 * 1024)
    verifier = Verifier([key.verify_key()])
    for number, given in enumerate((many, large.encode("sign"))):
        sealed = sealer.seal(given)
        assert verifier.verify(sealed, limits=limits).sequence == number
        cut = truncate_sealed(sealed, len(LATENTS) - 1 if number == 0 else 4096)
        assert Verifier([key.verify_key()]).verify(cut, limits=limits).is_cut
        with pytest.raises(errors.LimitExceededError):
            Packet.from_bytes(bytes(sealed))


def test_what_cannot_be_sealed_uses_up_no_number() -> None:
    route = Route(id=1, sender=SENDER, space=SPACE)
    compact = packet(message_id=route.message_id(1)).to_compact(route)
    sealer = Sealer(SealKey("blake3", ID, KEY))
    with pytest.raises(errors.UnsupportedFeatureError):
        sealer.seal(compact)
    seal = Seal.of(sealer.seal(compact, route=route))
    assert seal is not None
    assert seal.sequence == 0


def test_every_bytes_like_object_is_taken_and_nothing_else() -> None:
    key = SealKey("blake3", ID, KEY)
    sealer, verifier = Sealer(key), Verifier([key.verify_key()])
    encryptor = Encryptor(ID, KEY)
    calls: list[Callable[[Any], object]] = [
        sealer.seal,
        verifier.verify,
        encryptor.encrypt,
        Seal.of,
        digest,
        lambda given: truncate_sealed(given, 1),
        lambda given: decrypt(given, ID, KEY),
    ]
    for call in calls:
        for wrong in (5, [1, 2], "text", None):
            with pytest.raises(errors.UsageError, match="expected a packet or its bytes"):
                call(wrong)
    sealed = sealer.seal(memoryview(bytes(packet())))
    verifier.verify(bytearray(bytes(sealed)))
    assert decrypt(memoryview(encryptor.encrypt(sealed)), ID, KEY) == sealed


def test_sessions_are_counted_for_each_key() -> None:
    one, other = SealKey("blake3", ID, KEY), SealKey("hmac-sha-256", b"2026-11b", KEY)
    verifier = Verifier([one.verify_key(), other.verify_key()], max_sessions=1)
    verifier.verify(Sealer(one).seal(packet()))
    with pytest.raises(errors.LimitExceededError) as caught:
        verifier.verify(Sealer(one).seal(packet()))
    assert caught.value.id == "limit.sessions"
    assert caught.value.hint is not None
    assert "max_sessions" in caught.value.hint
    verifier.verify(Sealer(other).seal(packet()))


def test_keys_come_and_go() -> None:
    key = SealKey("blake3", ID, KEY)
    verifier = Verifier([], max_sessions=1)
    sealed = Sealer(key).seal(packet())
    verifier.remove_key(ID)
    for _ in range(2):  # a key that is taken away takes its sessions along
        with pytest.raises(errors.UntrustedPacketError) as caught:
            verifier.verify(sealed)
        assert caught.value.id == "seal.key"
        verifier.add_key(key.verify_key())
        verifier.verify(sealed)
        verifier.remove_key(ID)
    verifier.add_key(VerifyKey("blake3", ID, bytes(32)))
    with pytest.raises(errors.UntrustedPacketError) as caught:
        verifier.verify(sealed)
    assert caught.value.id == "seal.tag"
