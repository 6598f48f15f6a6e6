"""Guards against what ruined bridges before, each with a proof that it would notice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from latentwire.frozen import FrozenModel
from latentwire.frozen.forward import forward
from latentwire.frozen.template import answer_ids, question_ids
from latentwire.models import (
    Adapter,
    AdapterConfig,
    DeepAdapter,
    DeepAdapterConfig,
    HiddenStateEncoder,
)
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.objectives import label_likelihood
from latentwire.training.reading import answer_logits
from latentwire.training.recipe import Recipe
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel, random_frozen, small_encoder
from torch import Tensor, nn

TEXTS = ["a gorgeous , witty movie .", "how do i change my pin ?", "the card", "7 ducks"]
FAMILIES = ["llama", "qwen2", "mistral", "gpt2"]
MODES = ["soft", "deep"]
WIDTH = 16  # d_z


def encoder_for(frozen: FrozenModel) -> HiddenStateEncoder:
    torch.manual_seed(1)
    return small_encoder(frozen, TEXTS, WIDTH)


def adapter_for(frozen: FrozenModel, mode: str) -> Adapter | DeepAdapter:
    torch.manual_seed(2)
    if mode == "soft":
        adapter = Adapter(
            AdapterConfig(hidden_size=frozen.hidden_size, latent_width=WIDTH, inner_width=24)
        )
        adapter.colorizer.fit(*frozen.embedding_statistics())
        return adapter
    found = frozen.key_values
    deep = DeepAdapter(
        DeepAdapterConfig(
            num_layers=found.num_layers,
            num_heads=found.num_heads,
            head_dim=found.head_dim,
            latent_width=WIDTH,
            inner_width=24,
        )
    )
    deep.colorizer.fit(*found.statistics(TEXTS))
    return deep


def prompts(frozen: FrozenModel, count: int) -> tuple[list[list[int]], list[list[int]]]:
    question = question_ids(frozen.tokenizer, "Topic:")
    answers = ["world", "it", "sport", "a card"][:count]
    return [question] * count, [answer_ids(frozen.tokenizer, answer) for answer in answers]


# -- scale shock -----------------------------------------------------------------------------------


def scaled(family: str, factor: float) -> FrozenModel:
    """A random model whose token embeddings are that many times as large; its head is not."""
    frozen = random_frozen(family, tie_word_embeddings=False)
    frozen.model.get_input_embeddings().weight.data *= factor
    return frozen


def worst_ratio(prefix: Tensor, mean: Tensor, deviation: Tensor) -> float:
    """How far the size of a prefix is off the receiver's own, as a factor of at least 1."""
    own = (mean.square() + deviation.square()).mean().sqrt()
    ratio = float(prefix.detach().square().mean().sqrt() / own)
    return max(ratio, 1 / ratio)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("sent", "received"), [(1.0, 30.0), (30.0, 1.0)])
def test_scale_shock(sent: float, received: float, mode: str) -> None:
    sender, receiver = scaled("llama", sent), scaled("qwen2", received)
    deviations = [float(model.embedding_statistics()[1].mean()) for model in (sender, receiver)]
    assert max(deviations) / min(deviations) == pytest.approx(30, rel=0.1)
    encoder, adapter = encoder_for(sender), adapter_for(receiver, mode)
    if mode == "soft":
        statistics = receiver.embedding_statistics()
    else:
        statistics = receiver.key_values.statistics(TEXTS)
    states, mask = sender.hidden_states(TEXTS, 1)
    prefix = adapter(encoder(states.clone(), mask))  # at step 0: nothing is trained
    assert worst_ratio(prefix, *statistics) < 1.25
    loss = label_likelihood(receiver, prefix, *prompts(receiver, 4))
    loss.backward()
    gradients = [p.grad for m in (encoder, adapter) for p in m.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)
    assert sum(float(g.abs().sum()) for g in gradients if g is not None) > 0

    adapter.colorizer = nn.Identity()  # type: ignore[assignment]
    assert worst_ratio(adapter(encoder(states.clone(), mask)), *statistics) > 1.25


@pytest.mark.parametrize("mode", ["soft_tokens", "deep"])
def test_scale_shock_in_the_engine(
    mode: str, random_llama: RandomModel, sample_data_dir: Path, tmp_path: Path
) -> None:
    """The adapter that a stage begins with is fitted to its receiver."""
    large = scaled("qwen2", 30.0)
    for name, weight in large.model.named_parameters():
        if mode == "deep" and ("k_proj" in name or "v_proj" in name):
            weight.data *= 30  # norms before it keep the embeddings' scale from the cache
    folder = tmp_path / "large"
    large.model.save_pretrained(folder)
    large.tokenizer.save_pretrained(folder)
    stage = mini_stage(random_llama.model)
    recipe = Recipe.model_validate(mini_recipe([str(folder)], [stage], adapter={"mode": mode}))
    trainer = Trainer(
        recipe, recipe.stages[0], tmp_path / "run", sample_data_dir, start_accelerator()
    )
    (receiver,), (adapter,) = trainer.parts.receivers.values(), trainer.parts.adapters.values()
    if mode == "soft_tokens":
        statistics = receiver.embedding_statistics()
    else:
        statistics = receiver.key_values.statistics(trainer.step_loss.texts[:64])
    states, mask = trainer.step_loss.inputs.batch(range(8))
    prefix = adapter(trainer.parts.encoder(states, mask))
    assert worst_ratio(prefix, *statistics) < 1.25


# -- padding contamination -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("family", FAMILIES)
def test_padding_contamination(family: str, side: str, mode: str) -> None:
    """States and messages of unlike length: padded together, and one by one without padding."""
    receiver = random_frozen(family)
    encoder, adapter = encoder_for(receiver), adapter_for(receiver, mode)
    modules = (encoder, adapter)
    questions, answers = prompts(receiver, 3)
    text_lengths, message_lengths = (9, 4, 6), (4, 1, 3)
    torch.manual_seed(5)
    states = torch.randn(3, 9, receiver.hidden_size)
    read, heard = columns(text_lengths, 9, side), columns(message_lengths, 4, side)

    def message(row: slice) -> Tensor:
        """The first latents of each row, at the side where they are not padding [B, 4, d_z]."""
        latents = encoder(states[row], read[row])
        placed = torch.full_like(latents, 9.0)  # padding is not zero: it must be masked
        for i, real in enumerate(heard[row]):
            placed[i, real] = latents[i, : int(real.sum())]
        return placed

    together = label_likelihood(
        receiver, adapter(message(slice(0, 3))), questions, answers, mask=heard
    )
    found = gradients_of(together, modules)
    alone = torch.zeros(())
    for row in range(3):
        own = states[row, read[row]][None]
        latents = encoder(own, torch.ones(own.shape[:2], dtype=torch.bool), message_lengths[row])
        loss = label_likelihood(
            receiver, adapter(latents), questions[row : row + 1], answers[row : row + 1]
        )
        alone = alone + loss / 3
    expected = gradients_of(alone, modules)
    assert float(together.detach()) == pytest.approx(float(alone.detach()), abs=1e-5)
    assert expected.abs().max() > 1e-2  # so 1e-5 is little
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)

    ignored = label_likelihood(receiver, adapter(message(slice(0, 3))), questions, answers)
    assert abs(float(ignored.detach() - alone.detach())) > 1e-4  # a mask left out is noticed


def columns(lengths: tuple[int, ...], width: int, side: str) -> Tensor:
    """Mask bool [B, T], True where a row has something."""
    index, ends = torch.arange(width)[None], torch.tensor(lengths)[:, None]
    return index < ends if side == "right" else index >= width - ends


def gradients_of(loss: Tensor, modules: tuple[nn.Module, ...]) -> Tensor:
    parameters = [p for module in modules for p in module.parameters()]
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.cat([g.flatten() for g in found if g is not None])


# -- teacher-forcing shortcut ----------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_teacher_forcing_shortcut(family: str, mode: str) -> None:
    """A prediction sees message, question and the answer before it: nothing of what it predicts."""
    receiver = random_frozen(family)
    adapter = adapter_for(receiver, mode)
    prefix = adapter(torch.randn(1, 4, WIDTH))
    questions, _ = prompts(receiver, 1)
    answer = answer_ids(receiver.tokenizer, "a world of 40 cards")
    logits, _ = answer_logits(receiver, prefix, questions, [answer])
    for changed in range(len(answer)):
        other = [*answer[:changed], *((token + 50) % 258 for token in answer[changed:])]
        found, _ = answer_logits(receiver, prefix, questions, [other])
        torch.testing.assert_close(found[: changed + 1], logits[: changed + 1])
        if changed + 1 < len(answer):
            assert (found[changed + 1] - logits[changed + 1]).abs().max() > 1e-2
    another = adapter(torch.randn(1, 4, WIDTH))
    found, _ = answer_logits(receiver, another, questions, [answer])
    assert ((found - logits).abs().amax(1) > 1e-3).all()  # every prediction hears the message


@torch.no_grad()
def test_a_pass_that_sees_ahead_would_be_noticed() -> None:
    receiver = random_frozen("llama")
    first, second = (receiver.embed(torch.tensor([[5, 6, last]])) for last in (7, 8))
    real = torch.ones(1, 3, dtype=torch.bool)
    everything = torch.ones(1, 3, 3, dtype=torch.bool)
    one, other = (forward(receiver, x, real, visible=everything) for x in (first, second))
    assert (one[:, :2] - other[:, :2]).abs().max() > 1e-3
    one, other = (forward(receiver, x, real) for x in (first, second))
    torch.testing.assert_close(one[:, :2], other[:, :2])
