"""The card of a trained part: what it is, what it belongs to, what was measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentwire.models.size import num_parameters

if TYPE_CHECKING:
    from latentwire.checkpoint import Part

_CARD = """---
library_name: latentwire
tags: [latentwire, {role}, latent-communication]
---
# {title}

{sentence}

| | |
| --- | --- |
| frozen model | {model} |
| its weights | {digest} |
| latent space | {space}, {latents} x {width}, {encoding} |
| fingerprint | {fingerprint} |
| lineage | {lineage} |
| architecture | {kind}, {parameters:,} parameters |
| trained | {trained} |{lora}

{code}

{figures}
"""

_CODE = {
    "encoder": 'Sender.from_pretrained("{model}", encoder=FOLDER).encode(text)',
    "adapter": 'Receiver.from_pretrained("{model}", adapter=FOLDER).ask(packet, choices=[...])',
    "projector": 'Part.load(FOLDER, "projector").module(key_values).latents',
}
_SENTENCES = {
    "encoder": "Makes latent messages of what {model} reads, for every receiver of its space.",
    "adapter": "Lets {model} read the latent messages of every sender of its space.",
    "projector": "Translates keys and values of {model} to those of one receiver.",
}


def part_card(part: Part) -> str:
    """Markdown with the metadata that the Hugging Face hub reads."""
    module, space = part.module, part.space
    trained = part.figures.get("trained", {})
    return _CARD.format(
        role=part.role,
        title=f"{part.role} of {part.model} in {space.name}",
        sentence=_SENTENCES[part.role].format(model=part.model),
        model=part.model,
        digest=part.model_digest or "none: it reads the bytes of the text",
        space=space.name,
        latents=space.num_latents,
        width=space.latent_width,
        encoding=space.encoding,
        fingerprint=space.fingerprint.hex(),
        lineage=space.lineage or "not recorded",
        kind=module.kind,
        parameters=num_parameters(module),
        trained=", ".join(f"{name} {value}" for name, value in trained.items()) or "not recorded",
        code="```python\n" + _CODE[part.role].format(model=part.model) + "\n```",
        lora=_lora(part),
        figures=_figures(part),
    )


def _lora(part: Part) -> str:
    """A row that says what is added to the frozen model; its own weights stay as they are."""
    if part.lora is None:
        return ""
    found = part.lora.config
    return (
        f"\n| receiver adapted | LoRA of rank {found.rank}, alpha {found.alpha}, on "
        f"{', '.join(found.targets)} (`receiver_lora/`; needs `peft`) |"
    )


def _figures(part: Part) -> str:
    """A table of the validation figures, one row for each sender, receiver and task."""
    validation = part.figures.get("validation", {})
    if not validation:
        return "Nothing was measured of this part."
    how = "" if part.role == "projector" else "latents quantized as on the wire and "
    lines = [
        f"Measured on {part.figures['rows']} validation rows a task (never the test split), with "
        f"{how}{part.figures['sender']} as the sender:",
        "",
        "| receiver | task | accuracy, percent | loss, nats an answer |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {receiver} | {task} | {found['accuracy']} | {found.get('loss', 'not measured')} |"
        for receiver, tasks in validation.items()
        for task, found in tasks.items()
    ]
    return "\n".join(lines)
