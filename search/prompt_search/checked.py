"""Whether a search for prompts can be carried out, and what it depends on besides its settings."""

from __future__ import annotations

from slotforge.core.errors import UsageError
from slotforge.core.ids import content_id
from slotforge.core.prompting import PromptSearch
from slotforge.core.seams import Domain
from slotforge.prompts.render import fingerprint, operators, plan
from slotforge.search import embeddings
from slotforge.search.prompt_search.scene import Scene
from slotforge.search.proposers.offline import NAME as OFFLINE

LEAST_SAMPLES = 2  # of a slot
TOKENS = "tokens"


def checked(search: PromptSearch, domain: Domain, scene: Scene) -> PromptSearch:
    """Return a search that can be carried out, with what it depends on besides its settings.

    Args:
        search: as it was asked for.
        domain: its domain.
        scene: where the prompts are asked; of a run that has found something better since, it is another.

    Raises:
        UsageError: prompts make no difference to the model, or the operator cannot be sampled by itself.
    """
    _check(search, domain)
    best = scene.parent.candidate if scene.parent else None
    told = {"best": best.id if best else "", "describe": domain.describe(scene.families)}
    slots = {name: slot.model_dump() for name, slot in domain.slots().items()}
    embedding = embeddings.model()
    own = {
        "features": embedding.name if embedding else TOKENS,
        "frame": content_id({"templates": fingerprint(), "slots": slots, **told}),
    }
    return PromptSearch(**{**search.model_dump(), **own})


def _check(search: PromptSearch, domain: Domain) -> None:
    models = [part.strip() for part in search.model.split(",")]
    if OFFLINE in models:
        raise UsageError("offline varies code without reading prompts, so no prompt is better: name a chat --model")
    if len(models) > 1:
        raise UsageError("how much answers differ is the merit of one prompt with one model: name one --model")
    if search.operator not in operators():
        raise UsageError(f"no operator called '{search.operator}': choose one of {', '.join(operators())}")
    if plan(search.operator) != "direct":
        raise UsageError(f"operator '{search.operator}' asks several questions for one answer: choose another")
    known = domain.slots()
    if unknown := [slot for slot in search.slots if slot not in known]:
        raise UsageError(f"no slot called '{unknown[0]}': choose from {', '.join(known)}")
    if search.samples < LEAST_SAMPLES * len(search.slots):
        raise UsageError(
            f"{search.samples} samples are too few for {len(search.slots)} slots, for answers are compared within a "
            f"slot: take --samples {LEAST_SAMPLES * len(search.slots)} at least, or fewer --slots"
        )
