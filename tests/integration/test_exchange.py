"""Hosts and clients on real sockets, with random models: same answers, typed errors, no falls."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from latentwire import errors
from latentwire.answer import Answer
from latentwire.exchange import Host, RunningHost, ask_jointly, connect, create_server
from latentwire.exchange.gen import exchange_pb2 as pb
from latentwire.exchange.limits import MAX_ERROR_BYTES, MAX_MESSAGE_BYTES
from latentwire.exchange.server import SERVICE_NAME
from latentwire.message import Message, Packet, SpaceRef
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from random_models import RandomModel

CHOICES = ["negative", "positive", "neither"]
TEXT = "a gorgeous , witty , seductive movie ."


@pytest.fixture(scope="module")
def sender(random_llama: RandomModel) -> Sender:
    return Sender.from_pretrained(random_llama.model, encoder=random_llama.encoder)


@pytest.fixture(scope="module")
def receiver(random_qwen: RandomModel) -> Receiver:
    return Receiver.from_pretrained(random_qwen.model, adapter=random_qwen.adapter)


@pytest.fixture(scope="module")
def running(sender: Sender, receiver: Receiver) -> Iterator[RunningHost]:
    with create_server(sender, receiver, "127.0.0.1:0") as host:
        yield host


@pytest.fixture
def host(running: RunningHost) -> Iterator[Host]:
    with connect(running.address) as connection:
        yield connection


def assert_same(one: Answer, other: Answer) -> None:
    assert one.choices == other.choices
    assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-5)


def test_answers_over_the_wire_are_those_in_process(
    host: Host, sender: Sender, receiver: Receiver
) -> None:
    packet = host.encode(TEXT, k=3)
    assert packet.shape == (3, 32)
    assert packet.sender == sender.ref
    assert_same(
        host.ask(packet, choices=CHOICES, question="Sentiment:"),
        receiver.ask(packet, choices=CHOICES, question="Sentiment:"),
    )
    assert_same(host.ask_text(TEXT, choices=CHOICES), receiver.ask_text(TEXT, choices=CHOICES))
    assert_same(host.ask_nothing(choices=CHOICES), receiver.ask_nothing(choices=CHOICES))
    assert host.generate(packet, max_new_tokens=5) == receiver.generate(packet, max_new_tokens=5)
    assert host.generate_text(TEXT, max_new_tokens=5) == receiver.generate_text(
        TEXT, max_new_tokens=5
    )


def test_describe_says_who_is_there(host: Host, sender: Sender, receiver: Receiver) -> None:
    found = host.describe()
    assert (found.sends, found.receives) == (True, True)
    assert found.space == sender.space
    assert found.num_latents == 6
    assert found.adapter_fingerprint == receiver.ref.fingerprint


def test_joint_answer_is_the_product(host: Host, running: RunningHost, sender: Sender) -> None:
    packet = sender.encode(TEXT)
    alone = host.ask(packet, choices=CHOICES)
    with connect(running.address) as again:
        joint = ask_jointly([host, again], packet, choices=CHOICES)
    assert_same(joint, Answer.jointly([alone, alone]))
    assert joint.probability > alone.probability


def _of_another_space(packet: Packet) -> bytes:
    message = packet.decode()
    other = SpaceRef(name="elsewhere", fingerprint=bytes(16))
    return bytes(Message(latents=message.latents, sender=message.sender, space=other).encode())


@pytest.mark.parametrize("case", ["cut", "flipped", "empty", "other space", "text"])
def test_bad_packets_are_refused_by_class_and_the_host_goes_on(
    host: Host, sender: Sender, case: str
) -> None:
    packet = sender.encode(TEXT)
    data = bytes(packet)
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0x10
    bad, expected = {
        "cut": (data[:-7], errors.TruncatedPacketError),
        "flipped": (bytes(flipped), errors.ChecksumError),
        "empty": (b"", errors.TruncatedPacketError),
        "other space": (_of_another_space(packet), errors.SpaceMismatchError),
        "text": (TEXT.encode(), errors.MalformedPacketError),
    }[case]
    with pytest.raises(expected) as caught:
        host.ask(bad, choices=CHOICES)
    assert type(caught.value) is expected
    if isinstance(caught.value, errors.WireError):
        assert caught.value.id
        assert caught.value.offset is not None
    assert host.ask(packet, choices=CHOICES).choice in CHOICES


@pytest.mark.parametrize(
    ("choices", "expected"),
    [(["only"], "found 1"), (["a", " "], "empty"), (["a", "b", "a"], "repeats"), ([], "found 0")],
)
def test_bad_choices_are_refused_by_client_and_by_host(
    host: Host, sender: Sender, choices: list[str], expected: str
) -> None:
    packet = sender.encode(TEXT)
    with pytest.raises(errors.ChoicesError, match=expected):
        host.ask(packet, choices=choices)
    # Another client may not check: the host does.
    request = pb.AskRequest(choices=choices, source=pb.Source(packet=bytes(packet)))
    with pytest.raises(errors.ChoicesError, match=expected):
        host._call(host._service.Ask, request)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" \n", errors.EmptyTextError), ("x" * 1_000_000, errors.TextTooLongError)],
)
def test_bad_texts_are_refused_by_client_and_by_host(
    host: Host, text: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        host.encode(text)
    with pytest.raises(expected):
        host._call(host._service.Encode, pb.EncodeRequest(text=text))


@pytest.mark.parametrize("character", ["x", "\u00e9", "\u6f22", "\x01"])
def test_an_error_that_quotes_much_still_arrives(host: Host, character: str) -> None:
    # gRPC refuses trailing metadata beyond 8 KiB: the line is cut, its class is not lost.
    with pytest.raises(errors.InvalidMessageError, match="there is no encoding") as caught:
        host.encode(TEXT, encoding=character * 100_000)  # type: ignore[arg-type]
    assert len(str(caught.value).encode()) <= MAX_ERROR_BYTES
    assert str(caught.value).endswith("...")


def test_more_than_a_host_gives_is_refused_by_the_host(host: Host, sender: Sender) -> None:
    with pytest.raises(errors.UsageError, match=r"k must be within 1\.\.6, not 7"):
        host.encode(TEXT, k=7)
    # Our own client does not ask for it; another may.
    request = pb.GenerateRequest(max_new_tokens=513, source=pb.Source(text=TEXT))
    with pytest.raises(errors.UsageError, match="at most 512 new tokens"):
        host._call(host._service.Generate, request)


def test_a_call_larger_than_the_limit_is_refused(host: Host, sender: Sender) -> None:
    with pytest.raises(errors.LimitExceededError, match="too large"):
        host.ask(bytes(MAX_MESSAGE_BYTES + 1), choices=CHOICES)
    assert host.ask(sender.encode(TEXT), choices=CHOICES).choice in CHOICES


def test_questions_and_choices_that_would_take_all_memory_are_refused(
    host: Host, sender: Sender
) -> None:
    packet = sender.encode(TEXT)
    with pytest.raises(errors.UsageError, match="question has"):
        host.ask(packet, choices=CHOICES, question="why " * 2000)
    many = [f"{number} {'zq' * 500}" for number in range(100)]
    with pytest.raises(errors.ChoicesError, match="more than 4,096 tokens"):
        host.ask(packet, choices=many)
    assert host.ask(packet, choices=CHOICES).choice in CHOICES


def test_what_is_not_unicode_is_refused(host: Host, sender: Sender) -> None:
    packet = sender.encode(TEXT)
    with pytest.raises(errors.UsageError, match="text is not Unicode"):
        host.encode("caf\udce9")
    with pytest.raises(errors.UsageError, match="question is not Unicode"):
        host.ask(packet, choices=CHOICES, question="caf\udce9")
    with pytest.raises(errors.UsageError, match="choice 2 of 2 is not Unicode"):
        host.ask(packet, choices=["a", "caf\udce9"])


def test_a_request_without_a_source_is_refused(host: Host) -> None:
    with pytest.raises(errors.UsageError, match="no source"):
        host._call(host._service.Ask, pb.AskRequest(choices=CHOICES))


def test_a_host_refuses_what_it_has_no_part_for(sender: Sender, receiver: Receiver) -> None:
    packet = sender.encode(TEXT)
    with (
        create_server(sender, None, "127.0.0.1:0") as sending,
        create_server(None, receiver, "127.0.0.1:0") as receiving,
        connect(sending.address) as only_sends,
        connect(receiving.address) as only_receives,
    ):
        with pytest.raises(errors.UsageError, match="no receiver"):
            only_sends.ask(packet, choices=CHOICES)
        with pytest.raises(errors.UsageError, match="no sender"):
            only_receives.encode(TEXT)
        assert isinstance(only_sends.generate_text(TEXT, max_new_tokens=2), str)


def test_nobody_there_is_one_clear_line() -> None:
    with pytest.raises(errors.HostUnreachableError, match=r"no host answers at 127\.0\.0\.1:9"):
        connect("127.0.0.1:9", connect_timeout=0.5)


def test_a_host_that_stops_is_unreachable(receiver: Receiver, sender: Sender) -> None:
    running = create_server(None, receiver, "127.0.0.1:0")
    with connect(running.address, timeout=5) as host:
        running.stop()
        with pytest.raises(errors.HostUnreachableError):
            host.ask(sender.encode(TEXT), choices=CHOICES)


def test_a_taken_port_is_refused(running: RunningHost, receiver: Receiver) -> None:
    with pytest.raises(errors.PortInUseError, match=running.address):
        create_server(None, receiver, running.address)


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:", ":50051", "127.0.0.1:x"])
def test_an_address_needs_a_port(address: str, receiver: Receiver) -> None:
    with pytest.raises(errors.UsageError):
        create_server(None, receiver, address)


def test_health_and_reflection(running: RunningHost) -> None:
    with grpc.insecure_channel(running.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", SERVICE_NAME):
            request = health_pb2.HealthCheckRequest(service=service)
            assert health.Check(request).status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        response = next(reflection.ServerReflectionInfo(iter([request])))
        names = {service.name for service in response.list_services_response.service}
        assert SERVICE_NAME == "latentwire.v1.Exchange"
        assert SERVICE_NAME in names


def test_many_callers_at_once_get_their_own_answers(running: RunningHost, sender: Sender) -> None:
    texts = [f"{TEXT} number {index}" for index in range(8)]
    with connect(running.address) as host:
        expected = [host.ask(sender.encode(text), choices=CHOICES) for text in texts]
    found: dict[int, Answer] = {}

    def call(index: int) -> None:
        with connect(running.address) as host:
            for _ in range(3):
                packet = host.encode(texts[index])
                found[index] = host.ask(packet, choices=CHOICES)

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(found) == list(range(len(texts)))
    for index, answer in found.items():
        assert_same(answer, expected[index])
