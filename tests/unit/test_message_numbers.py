"""The numbers of a route's messages: every one may be used, and only for a message."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from latentwire.errors import InvalidMessageError
from latentwire.message import ModelRef, Packet, Route, SpaceRef
from latentwire.packet_encoder import PacketEncoder

SENDER = ModelRef(name="a", fingerprint=bytes(16))
SPACE = SpaceRef(name="s", fingerprint=bytes(16))
ROUTE = Route(id=1, sender=SENDER, space=SPACE)
LATENTS = np.ones((2, 4), np.float32)
WRONG = np.full((2, 4), np.nan, np.float32)
LAST = 2**32 - 1


def encoder(first_number: int) -> PacketEncoder:
    return PacketEncoder(sender=SENDER, space=SPACE, route=ROUTE, first_number=first_number)


def number(data: bytes) -> int:
    route = Packet.from_bytes(data).route
    assert route is not None
    return route[0]


def test_the_last_number_is_used_and_then_no_other() -> None:
    last = encoder(LAST)
    assert number(last.encode(LATENTS)) == LAST
    for _ in range(2):
        with pytest.raises(OverflowError):
            last.encode(LATENTS)


def test_the_last_numbers_are_used_by_many_messages() -> None:
    many = encoder(LAST - 2)
    with pytest.raises(OverflowError):
        many.encode_many(np.stack([LATENTS] * 4))
    written = many.encode_many(np.stack([LATENTS] * 3))
    assert [number(data) for data in written] == [LAST - 2, LAST - 1, LAST]


def test_a_message_that_cannot_be_written_uses_up_no_number() -> None:
    numbered = encoder(7)
    with pytest.raises(InvalidMessageError):
        numbered.encode(WRONG)
    assert number(numbered.encode(LATENTS)) == 7
    with pytest.raises(InvalidMessageError):
        numbered.encode_many(np.stack([LATENTS, WRONG]))
    assert number(numbered.encode(LATENTS)) == 8


def test_no_number_comes_twice_where_threads_fail() -> None:
    numbered = encoder(0)
    written: list[int] = []

    def work() -> None:
        for _ in range(300):
            with pytest.raises(InvalidMessageError):
                numbered.encode(WRONG)
            written.append(number(numbered.encode(LATENTS)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(written)) == len(written) == 1200
