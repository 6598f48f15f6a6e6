"""Many packets: written one by one or on all cores, and read on all cores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwire import _native
from latentwire.errors import WireError
from latentwire.forms import ZSTD_LEVEL, Compression, Encoding, Scales, as_numbers, form_tuple
from latentwire.limits import DEFAULT_LIMITS, Limits
from latentwire.message import Packet
from latentwire.references import ModelRef, Route, SpaceRef, check_message_number
from latentwire.resources import NO_RESOURCES, Resources


class PacketEncoder:
    """A sender's packets in one form, everything but the latents prepared once.

    For hot loops: ``Message(...).encode(...)`` says the same in more steps. May be used from
    several threads.

    Args:
        sender: Who speaks.
        space: The latent space of the numbers.
        receiver: Whom messages are meant for; None: anyone who hears the space.
        encoding: See ``Message.encode``, here and for the next five.
        scales: Which numbers share a scale.
        asymmetric: Whether scales have zero points.
        compression: The lossless stage to try.
        level: Level of zstd.
        resources: Dictionaries and tables that both ends have.
        route: Write compact packets of this route, numbered from ``first_number``.
        first_number: Number of the first message on the route, below 2**32.

    Raises:
        InvalidMessageError: If there is no such form or number, or a name cannot be written.
    """

    __slots__ = ("_inner",)

    def __init__(
        self,
        *,
        sender: ModelRef,
        space: SpaceRef,
        receiver: ModelRef | None = None,
        encoding: Encoding = "int8",
        scales: Scales = "row",
        asymmetric: bool = False,
        compression: Compression = "none",
        level: int = ZSTD_LEVEL,
        resources: Resources = NO_RESOURCES,
        route: Route | None = None,
        first_number: int = 0,
    ) -> None:
        self._inner = _native.PacketEncoder(
            sender=sender._tuple("sender"),
            receiver=None if receiver is None else receiver._tuple("receiver"),
            space=space._tuple(),
            options=form_tuple(encoding, scales, asymmetric, compression, level, resources),
            lossless=resources._lossless(),
            route=None if route is None else route._tuple(),
            number=check_message_number(first_number),
        )

    def encode(self, latents: Any) -> bytes:
        """The bytes of the packet of one more message, with an id of its own.

        Args:
            latents: Float32 array of rank 1 to 4; see ``Message``. bfloat16 of torch or
                ``ml_dtypes`` is taken as it is.

        Raises:
            InvalidMessageError: See ``Message.encode``.
            OverflowError: If the 2**32 numbers of a route are used up. A message that cannot be
                written uses up none, unless another thread has taken later ones.
        """
        return self._inner.encode(as_numbers(latents))

    def encode_many(self, latents: Any, *, threads: int | None = None) -> list[bytes]:
        """The bytes of the packets of N more messages, written on all cores.

        Args:
            latents: Float32 or bfloat16 [N, ...], the latents of N messages.
            threads: At most so many; default: one a core.

        Returns:
            N packets, in order, each with an id of its own.

        Raises:
            InvalidMessageError, OverflowError: See ``encode``. Nothing has been written then.
        """
        return self._inner.encode_many(as_numbers(latents), threads)


def decode_many(
    packets: Sequence[bytes | Packet],
    limits: Limits = DEFAULT_LIMITS,
    *,
    resources: Resources = NO_RESOURCES,
    threads: int | None = None,
) -> list[NDArray[np.float32]]:
    """Decode the first tensor of many packets at once, on all cores.

    Args:
        packets: Packets, or their bytes.
        limits: What each of them may take.
        resources: Dictionaries and tables that they may name.
        threads: At most so many; default: one a core.

    Raises:
        WireError: For the first packet that is refused; its text says which.
    """
    of_bytes = [bytes(packet) if isinstance(packet, Packet) else packet for packet in packets]
    decode = partial(
        _native.decode_many, limits=limits._tuple(), lossless=resources._lossless(), threads=threads
    )
    try:
        return decode(of_bytes)
    except WireError:
        for number, packet in enumerate(of_bytes):
            try:
                decode([packet])
            except WireError as error:
                text = f"packet {number} of {len(of_bytes)}: {error}"
                raise type(error)(text, id=error.id, offset=error.offset, hint=error.hint) from None
        raise
