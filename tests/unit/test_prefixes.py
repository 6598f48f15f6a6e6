"""Soft tokens and key/value prefixes stand where they should, in every family, beside any padding.

References are the library's own passes: one row, no padding, its own masks and positions.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from latentwire.checkpoint import Part
from latentwire.errors import UsageError
from latentwire.frozen import ChoiceTree, FrozenModel, generate, score_choices
from latentwire.frozen.forward import cache_argument
from latentwire.frozen.key_values import KeyValues, read_texts
from latentwire.frozen.prompt import Prompt
from latentwire.frozen.scoring import text_prefix
from latentwire.frozen.template import answer_ids, question_ids, token_ids
from latentwire.message import Message
from latentwire.models import Adapter, AdapterConfig, DeepAdapter, DeepAdapterConfig
from latentwire.receiver import Receiver
from latentwire.training.compute import checkpoint_layers
from latentwire.training.reading import answer_logits
from random_models import SPACE, random_frozen
from torch import Tensor

RECEIVERS = ["llama", "qwen2", "qwen3", "mistral", "gpt2"]
TEXTS = ["a film of 7", "the card", "how do i change my pin ?"]
QUESTION = "Topic:"
LENGTHS = (5, 2, 8)  # of the messages of a batch
STEPS = 64


@pytest.fixture(params=RECEIVERS, scope="module")
def frozen(request: pytest.FixtureRequest) -> FrozenModel:
    return random_frozen(request.param)


def deep_adapter(frozen: FrozenModel) -> DeepAdapter:
    found = frozen.key_values
    torch.manual_seed(3)
    adapter = DeepAdapter(
        DeepAdapterConfig(
            num_layers=found.num_layers,
            num_heads=found.num_heads,
            head_dim=found.head_dim,
            latent_width=SPACE.latent_width,
            inner_width=24,
        )
    )
    adapter.colorizer.fit(*found.statistics(TEXTS))
    return adapter


def soft_adapter(frozen: FrozenModel) -> Adapter:
    torch.manual_seed(3)
    adapter = Adapter(
        AdapterConfig(
            hidden_size=frozen.hidden_size, latent_width=SPACE.latent_width, inner_width=24
        )
    )
    adapter.colorizer.fit(*frozen.embedding_statistics())
    return adapter


def padded_latents(side: str) -> tuple[Tensor, Tensor]:
    """Latents of messages of three lengths [3, 8, d_z], their padding not zero, and the mask."""
    generator = torch.Generator().manual_seed(4)
    latents = torch.randn(3, 8, SPACE.latent_width, generator=generator)
    columns = torch.arange(8)[None]
    lengths = torch.tensor(LENGTHS)[:, None]
    return latents, columns < lengths if side == "right" else columns >= 8 - lengths


@torch.no_grad()
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("mode", ["soft", "deep"])
def test_64_tokens_after_a_message_are_those_of_recomputing_at_every_step(
    frozen: FrozenModel, mode: str, side: str
) -> None:
    latents, mask = padded_latents(side)
    adapter = soft_adapter(frozen) if mode == "soft" else deep_adapter(frozen)
    asked = torch.tensor(question_ids(frozen.tokenizer, QUESTION))
    generator = torch.Generator().manual_seed(5)
    forced = torch.randint(2, 258, (3, STEPS), generator=generator)
    prompt = Prompt.build(frozen, adapter(latents), mask, asked.expand(3, -1), keeps_cache=True)
    for step in range(STEPS):
        found = frozen.logits(prompt.run()[:, -1])
        if step % 9 == 0 or step == STEPS - 1:
            for row in range(3):
                prefix = adapter(latents[row : row + 1][:, mask[row]])
                ids = torch.cat([asked, forced[row, :step]])
                expected = from_scratch(frozen, prefix, ids)
                torch.testing.assert_close(found[row], expected, atol=2e-4, rtol=1e-4)
        prompt.append(forced[:, step : step + 1])


def from_scratch(frozen: FrozenModel, prefix: Tensor, ids: Tensor) -> Tensor:
    """Logits [V] after one row's prefix and ids, by one pass with the library's own masks."""
    begin = torch.tensor(frozen.begin, dtype=torch.long)
    if prefix.ndim == 3:
        parts = [frozen.embed(begin), prefix[0], frozen.embed(ids)]
        return frozen.model(inputs_embeds=torch.cat(parts)[None]).logits[0, -1]
    if len(begin):
        prefix = torch.cat([frozen.begin_key_values, prefix], dim=4)
    cache = frozen.key_values.cache(prefix, torch.arange(prefix.shape[4])[None])
    arguments = {"input_ids": ids[None], cache_argument(frozen.model): cache, "use_cache": True}
    return frozen.model(**arguments).logits[0, -1]


@torch.no_grad()
@pytest.mark.parametrize("width", [None, "right"])
def test_a_models_own_keys_and_values_of_a_text_are_the_text(
    frozen: FrozenModel, width: str | None
) -> None:
    """The one reference for positions of a key/value prefix that does not build a cache itself."""
    key_values, mask = read_texts(frozen, TEXTS)
    if width is None:  # one at a time
        key_values, mask = key_values[:, :, :1, :, : int(mask[0].sum())], None
    asked = question_ids(frozen.tokenizer, QUESTION)
    following = torch.tensor(asked).expand(key_values.shape[2], -1)
    states = Prompt.build(frozen, key_values, mask, following).run()
    for text, found in zip(TEXTS, states, strict=False):
        ids = frozen.begin + token_ids(frozen.tokenizer, text) + asked
        whole = frozen.backbone(torch.tensor([ids])).last_hidden_state[0, -len(asked) :]
        torch.testing.assert_close(found, whole, atol=2e-4, rtol=1e-4)


def test_both_kinds_of_prefix_of_a_text_score_and_write_alike(frozen: FrozenModel) -> None:
    tree = ChoiceTree.build(frozen, QUESTION, ["card", "card payment", "world"])
    soft, deep = text_prefix(frozen, TEXTS), read_texts(frozen, TEXTS)
    scores = score_choices(frozen, *soft, tree)
    torch.testing.assert_close(score_choices(frozen, *deep, tree), scores, atol=5e-4, rtol=1e-4)
    assert generate(frozen, *soft, QUESTION) == generate(frozen, *deep, QUESTION)


@torch.no_grad()
def test_a_sliding_window_holds_in_the_tree_of_answers() -> None:
    """Far nodes do not see what one pass over that answer does not see."""
    frozen = random_frozen("mistral", sliding_window=6)
    choices = ["a payment that was charged", "a pin"]
    tree = ChoiceTree.build(frozen, QUESTION, choices)
    prefix, mask = text_prefix(frozen, TEXTS)
    for text, scores in zip(TEXTS, score_choices(frozen, prefix, mask, tree), strict=True):
        ids = frozen.begin + token_ids(frozen.tokenizer, text)
        ids += question_ids(frozen.tokenizer, QUESTION)
        for choice, found in zip(choices, scores, strict=True):
            answer = answer_ids(frozen.tokenizer, choice)
            logits = frozen.model(torch.tensor([ids + answer])).logits[0].log_softmax(-1)
            expected = sum(logits[len(ids) - 1 + i, token] for i, token in enumerate(answer))
            assert float(found) == pytest.approx(float(expected), abs=1e-3)


def test_mixed_layers_of_full_and_sliding_attention() -> None:
    frozen = random_frozen("qwen2", sliding_window=6, use_sliding_window=True, max_window_layers=1)
    assert set(frozen.config.layer_types) == {"full_attention", "sliding_attention"}
    tree = ChoiceTree.build(frozen, QUESTION, ["card", "card payment"])
    for prefix, mask in (text_prefix(frozen, TEXTS), read_texts(frozen, TEXTS)):
        for row, text in enumerate(TEXTS):
            ids = torch.tensor([token_ids(frozen.tokenizer, text)])
            with torch.no_grad():
                asked = torch.tensor([question_ids(frozen.tokenizer, QUESTION)])
                logits = frozen.model(torch.cat([ids, asked], 1)).logits[0, -1].log_softmax(-1)
            first = answer_ids(frozen.tokenizer, "card")[0]
            found = Prompt.build(frozen, prefix, mask, asked.expand(3, -1)).run()[row, -1]
            score = frozen.logits(found).log_softmax(-1)[first]
            torch.testing.assert_close(score, logits[first], atol=2e-4, rtol=1e-4)
        assert score_choices(frozen, prefix, mask, tree).isfinite().all()


def windowed(family: str) -> FrozenModel:
    if family == "mistral":
        return random_frozen("mistral", sliding_window=6)
    return random_frozen(family, sliding_window=6, use_sliding_window=True, max_window_layers=1)


@pytest.mark.parametrize("family", [*RECEIVERS, "windowed mistral", "windowed qwen2"])
def test_a_message_alone_is_read_as_beside_longer_ones(family: str) -> None:
    """Without padding there are fewer masks, or the library's own: the same is seen."""
    name = family.split()[-1]
    frozen = random_frozen(name) if name == family else windowed(name)
    tree = ChoiceTree.build(frozen, QUESTION, ["a payment that was charged", "a pin", "card"])
    for prefix, mask in (text_prefix(frozen, TEXTS), read_texts(frozen, TEXTS)):
        scores = score_choices(frozen, prefix, mask, tree)
        written = generate(frozen, prefix, mask, QUESTION, max_new_tokens=8)
        for row, real in enumerate(mask):
            own = real.nonzero()[:, 0]
            alone = (
                prefix[row : row + 1, own]
                if prefix.ndim == 3
                else prefix[:, :, row : row + 1, :, own]
            )
            for whole in (torch.ones(1, len(own), dtype=torch.bool), None):
                found = score_choices(frozen, alone, whole, tree)
                torch.testing.assert_close(found[0], scores[row], atol=2e-4, rtol=1e-4)
            whole = torch.ones(1, len(own), dtype=torch.bool)
            assert generate(frozen, alone, whole, QUESTION, max_new_tokens=8) == [written[row]]


@torch.no_grad()
def test_a_deep_message_has_the_statistics_of_the_receivers_keys_and_values(
    frozen: FrozenModel,
) -> None:
    adapter = deep_adapter(frozen)
    latents = 50 * torch.randn(1, 4000, SPACE.latent_width)  # however large the latents are
    mean, deviation = frozen.key_values.statistics(TEXTS)  # [L, 2, H, D]
    made = adapter(latents)[:, :, 0].transpose(2, 3)  # [L, 2, k, H, D]
    found = ((made - mean[:, :, None]) / deviation[:, :, None]).square().mean((2, 4)).sqrt()
    torch.testing.assert_close(found, torch.ones_like(found), atol=1e-2, rtol=0)


def test_gradients_reach_the_adapter_through_the_cache_of_every_layer(frozen: FrozenModel) -> None:
    adapter = deep_adapter(frozen)
    asked = torch.tensor([question_ids(frozen.tokenizer, QUESTION)])
    latents = torch.randn(1, 4, SPACE.latent_width)
    frozen.__dict__.pop("begin_key_values", None)
    with torch.inference_mode():  # what is computed here first may be used in training later
        Prompt.build(frozen, adapter(latents), None, asked).run()
    prefix = adapter(latents)
    prefix.retain_grad()
    states = Prompt.build(frozen, prefix, None, asked).run()
    frozen.logits(states).square().mean().backward()
    assert prefix.grad is not None
    # Keys of the last layer matter as much as those of the first.
    assert (prefix.grad.flatten(2).norm(dim=-1) > 0).all()
    assert all(parameter.grad is None for parameter in frozen.model.parameters())


@pytest.mark.parametrize("family", ["llama", "qwen2", "mistral", "gpt2"])
def test_layers_that_are_recomputed_hear_the_message_once(family: str) -> None:
    plain, recomputed = random_frozen(family), random_frozen(family)
    checkpoint_layers(recomputed)
    latents = torch.randn(3, 4, SPACE.latent_width)
    found = []
    for frozen in (plain, recomputed):
        adapter = deep_adapter(frozen)
        logits, _ = answer_logits(frozen, adapter(latents), [[5, 6]] * 3, [[7, 8, 1]] * 3)
        logits.square().mean().backward()
        gradients = [p.grad.flatten() for p in adapter.parameters() if p.grad is not None]
        found.append((logits.detach(), torch.cat(gradients)))
        with torch.no_grad():
            prefix, mask = adapter(latents), torch.ones(3, 4, dtype=torch.bool)
        found[-1] += (generate(frozen, prefix, mask, QUESTION, max_new_tokens=6),)
    torch.testing.assert_close(found[1][0], found[0][0])
    torch.testing.assert_close(found[1][1], found[0][1])
    assert found[0][1].abs().max() > 1e-4
    assert found[1][2] == found[0][2]


def test_a_deep_adapter_is_saved_loaded_and_received(tmp_path: Path, frozen: FrozenModel) -> None:
    adapter = deep_adapter(frozen)
    Part("adapter", adapter, frozen.name, frozen.weights_digest.hex(), SPACE).save(tmp_path)
    part = Part.load(tmp_path, "adapter")
    receiver = Receiver(frozen, part)
    generator = torch.Generator().manual_seed(7)
    packets = [
        Message(
            latents=torch.randn(k, SPACE.latent_width, generator=generator).numpy(),
            sender=receiver.ref,
            space=SPACE.ref,
        ).encode("f32")
        for k in (6, 2)
    ]
    answers = receiver.ask_batch(packets, question=QUESTION, choices=["card", "world"])
    for packet, together in zip(packets, answers, strict=True):
        alone = receiver.ask(packet, question=QUESTION, choices=["card", "world"])
        assert together.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-4)
    first, second = (sum(answer.log_probabilities) for answer in answers)
    assert first != pytest.approx(second, abs=1e-2)  # the message is heard
    assert len(receiver.generate(packets[0], question=QUESTION, max_new_tokens=5)) > 0


def test_what_cannot_take_a_prefix_is_refused() -> None:
    with pytest.raises(UsageError, match="recurrent state"):
        KeyValues(random_frozen("mamba"))
    with pytest.raises(UsageError, match="not a causal"):
        KeyValues(random_frozen("bert"))
    llama, other = random_frozen("llama"), random_frozen("llama", num_hidden_layers=3)
    part = Part("adapter", deep_adapter(other), other.name, "", SPACE)
    with pytest.raises(UsageError, match="has 2 layers of 2 key/value heads of width 8"):
        Receiver(llama, part)


def test_a_rotary_embedding_of_an_unknown_kind_is_refused() -> None:
    """Interleaved pairs, as in GPT-J: taking positions off by halves would scramble the keys."""
    with pytest.raises(UsageError, match="rotary"):
        KeyValues(random_frozen("cohere"))
