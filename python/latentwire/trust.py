"""Seals, encryption and digests: whom a packet is from, that it is new, who may read it.

Keys are the caller's: how two hosts come by a common one is not the format's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from latentwire import _native
from latentwire.errors import UsageError
from latentwire.message import DEFAULT_LIMITS, Limits, Packet, Route, packet_bytes
from latentwire.resources import NO_RESOURCES, Resources

Algorithm = Literal["hmac-sha-256", "blake3", "ed25519"]
"""How packets are sealed: with a key that both ends share, or with a private one."""

KEY_BYTES = 32
KEY_ID_BYTES = 8


class VerifyKey:
    """A key that seals are verified with.

    Args:
        algorithm: See ``Algorithm``.
        id: 8 bytes that name the key.
        key: The shared key, or the public one of ed25519; 32 bytes.

    Raises:
        UsageError: If a length is wrong.
        UntrustedPacketError: If the bytes are no public key.
    """

    __slots__ = ("_inner",)

    _inner: _native.VerifyKey

    def __init__(self, algorithm: Algorithm, id: bytes, key: bytes) -> None:
        _check(id, key)
        self._inner = _native.VerifyKey(algorithm, id, key)

    @property
    def public_bytes(self) -> bytes | None:
        """The bytes of a public key, for whoever verifies; None for a key that is shared."""
        return self._inner.public_bytes()

    def __repr__(self) -> str:
        return "<VerifyKey>"


class SealKey:
    """A key that packets are sealed with; it is never printed.

    Args:
        algorithm: See ``Algorithm``. A key must be used with one only.
        id: 8 bytes that name the key.
        key: The shared key, or the private one of ed25519; 32 random bytes.

    Raises:
        UsageError: If a length is wrong.
    """

    __slots__ = ("_inner",)

    def __init__(self, algorithm: Algorithm, id: bytes, key: bytes) -> None:
        _check(id, key)
        self._inner = _native.SealKey(algorithm, id, key)

    def verify_key(self) -> VerifyKey:
        """What the seals of this key are verified with."""
        made = VerifyKey.__new__(VerifyKey)
        made._inner = self._inner.verify_key()
        return made

    def __repr__(self) -> str:
        return "<SealKey>"


class Sealer:
    """Seals packets and numbers them within a session, which begins with the sealer.

    Must not be used on in a copy of the process: two would give the same numbers.
    """

    __slots__ = ("_inner",)

    def __init__(self, key: SealKey) -> None:
        self._inner = _native.Sealer(key._inner)

    @property
    def session(self) -> bytes:
        """16 random bytes."""
        return self._inner.session

    def seal(self, packet: Packet | bytes, *, route: Route | None = None) -> Packet:
        """The packet with a seal.

        Args:
            packet: Without a seal.
            route: What a compact packet leaves out.

        Raises:
            InvalidMessageError: If it has a seal, or the numbers of the session are used up. What
                cannot be sealed uses up no number.
            WireError: If it is no packet.
            UsageError: If it is neither a packet nor bytes.
        """
        given = None if route is None else route._tuple()
        # A seal is not for the sealer to refuse by a receiver's limits.
        return Packet(self._inner.seal(packet_bytes(packet), given), None)


@dataclass(frozen=True, slots=True)
class Verified:
    """A packet whose seal holds, and that was not received before.

    Attributes:
        packet: To be read.
        algorithm: How it was sealed.
        key_id: The key that it was sealed with.
        session: The session that it is of.
        sequence: Its number in the session.
        is_cut: Whether it was cut to its first rows by whoever passed it on.
    """

    packet: Packet
    algorithm: str
    key_id: bytes
    session: bytes
    sequence: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Seal:
    """What the seal of a packet says; anybody can write it, until a ``Verifier`` has checked it.

    Attributes: see ``Verified``.
    """

    algorithm: str
    key_id: bytes
    session: bytes
    sequence: int
    is_cut: bool

    @classmethod
    def of(cls, packet: Packet) -> Seal | None:
        """The seal of a packet; None: it has none.

        Raises:
            MalformedPacketError: If the seal does not fit the packet.
            UnsupportedFeatureError: If its algorithm is not known here.
        """
        found = _native.read_seal(packet_bytes(packet))
        return None if found is None else cls(*found)


class Verifier:
    """Verifies seals and remembers which packets it has seen.

    Args:
        keys: Keys that are accepted.
        max_sessions: Sessions of each key that it can remember, 4096 unless given; more are
            refused, none is forgotten. A session takes some fifty bytes.
        expecting_sessions: Accept only sessions that ``expect`` has announced. A verifier that
            starts anew has forgotten what it saw: use this, or new keys.
    """

    __slots__ = ("_inner",)

    def __init__(
        self,
        keys: Iterable[VerifyKey],
        *,
        max_sessions: int | None = None,
        expecting_sessions: bool = False,
    ) -> None:
        self._inner = _native.Verifier(
            [key._inner for key in keys], max_sessions, expecting_sessions
        )

    def expect(self, key_id: bytes, session: bytes) -> None:
        """Announce a session.

        Raises:
            LimitExceededError: If there are more sessions of the key than can be remembered.
        """
        self._inner.expect(key_id, session)

    def add_key(self, key: VerifyKey) -> None:
        """Accept another key; one of the same id is replaced, and its sessions are forgotten."""
        self._inner.add_key(key._inner)

    def remove_key(self, key_id: bytes) -> None:
        """Refuse a key from now on and forget its sessions; one that is not there is let be."""
        self._inner.remove_key(key_id)

    def verify(
        self,
        packet: Packet | bytes,
        *,
        route: Route | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Verified:
        """Check a seal before anything of the packet is decoded.

        Raises:
            UntrustedPacketError: If there is no seal or no key for it, it does not hold, or the
                packet was received before.
            LimitExceededError: If it begins one session more of its key than can be remembered.
            WireError: If it is no packet.
            UsageError: If it is neither a packet nor bytes.
        """
        data = packet_bytes(packet)
        given = None if route is None else route._tuple()
        found = self._inner.verify(data, given, limits._tuple())
        return Verified(Packet.from_bytes(data, limits), *found)


class Encryptor:
    """Encrypts packets with XChaCha20-Poly1305; nonces are never used twice by construction.

    Args:
        id: 8 bytes that name the key.
        key: 32 random bytes that both ends share, and that no seal uses.
    """

    __slots__ = ("_inner",)

    def __init__(self, id: bytes, key: bytes) -> None:
        _check(id, key)
        self._inner = _native.Encryptor(id, key)

    def encrypt(self, packet: Packet | bytes) -> bytes:
        """The packet in an envelope. Seal first, then encrypt.

        Raises:
            WireError: If it is no packet, or an encrypted one.
            UsageError: If it is neither a packet nor bytes.
        """
        return self._inner.encrypt(packet_bytes(packet))


def decrypt(data: bytes, id: bytes, key: bytes, limits: Limits = DEFAULT_LIMITS) -> Packet:
    """The packet inside an envelope, to the byte.

    Raises:
        UntrustedPacketError: If it was made with another key, or altered.
        WireError: If it is no packet.
        UsageError: If ``data`` is not bytes-like.
    """
    _check(id, key)
    return Packet.from_bytes(_native.decrypt(packet_bytes(data), id, key, limits._tuple()), limits)


def digest(
    packet: Packet,
    *,
    route: Route | None = None,
    resources: Resources = NO_RESOURCES,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """16 bytes that are the same for equal content, whatever message it came in.

    Raises:
        WireError: If the payload cannot be restored.
    """
    given = (None if route is None else route._tuple(), resources._lossless())
    return _native.digest(packet_bytes(packet), given, limits._tuple())


def truncate_sealed(packet: Packet, rows: int) -> Packet:
    """The packet with at most the first ``rows`` of every tensor, under the seal that it has.

    Needs no key.

    Raises:
        UntrustedPacketError: If it has no seal.
        InvalidMessageError: If its seal cannot be kept: ``Packet.truncate`` leaves it out.
    """
    return Packet(_native.truncate_sealed(packet_bytes(packet), rows), None)


def _check(id: bytes, key: bytes) -> None:
    for what, value, length in (("key id", id, KEY_ID_BYTES), ("key", key, KEY_BYTES)):
        if len(value) != length:
            raise UsageError(f"expected a {what} of {length} bytes, found {len(value)}")
