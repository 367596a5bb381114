"""New variants: written by the model, put together from sections of others, or with a sentence more or less."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from slotforge.core.errors import UsageError
from slotforge.core.prompting import MAX_SECTION, Sampled, Variant
from slotforge.prompts.variants import plain, variant

STAGE = "rewrite_prompt"  # the template of its name
SHOWN = 6  # variants whose scores the model is told
MOST = 200  # variants in a pool

_MARK = re.compile(
    r"^(?:[^\w\n=]|=(?!=)|==++(?![ \t]*+\w))*+==++[ \t]*+(\w++)[ \t]*+==[^\w\n]*+$", re.MULTILINE
)  # takes time in proportion to a line
_FENCE_LINE = re.compile(r"^[ \t]*(`{3,}|~{3,})\w*[ \t]*$", re.MULTILINE)
_THOUGHT = re.compile(r"\A.*</(?:think|thinking|thought|reasoning)>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A variant that may be sampled, and how it came about: see `Sampled`."""

    variant: Variant
    origin: str
    parents: tuple[str, ...] = ()


def read(answer: str, parent: Variant) -> Draft:
    """Read the sections that a model wrote; those that it left out stay as they are in the parent.

    Raises:
        UsageError: there is none, or one is too long.
    """
    parts = _MARK.split(_THOUGHT.sub("", answer))
    found = {name: _FENCE_LINE.sub("", text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    sections = {name: text for name, text in found.items() if name in parent.sections and plain(text)}
    if not sections:
        raise UsageError("the answer holds no section: expected lines such as === task ===")
    made = variant(parent.operator, {**parent.sections, **sections})
    return Draft(variant=made, origin="rewritten", parents=(parent.id,))


def trajectory(sampled: Sequence[Sampled]) -> str:
    """Tell the best variants with their figures, the best last, as OPRO does (Yang et al. 2023, arXiv:2309.03409)."""
    best = sorted(sampled, key=lambda one: one.figures.score)[-SHOWN:]
    return "\n\n".join(map(_told, best))


def _told(one: Sampled) -> str:
    f = one.figures
    built = [sample for sample in one.samples if sample.built]
    faults = [sample.reason for sample in one.samples if not sample.built][:1]
    head = (
        f"score {f.score:.3f}: {f.clusters} kinds of code in {f.samples} answers (entropy {f.entropy:.2f}), "
        f"{len(built)} of {f.samples} compile, {f.novelty:.0%} of the kinds are new"
    )
    lines = [head, *(f"  one that does not compile: {fault[:160]}" for fault in faults)]
    return "\n".join([*lines, *(f"  {name}: {' '.join(text.split())}" for name, text in one.variant.sections.items())])


def pool(sampled: Sequence[Sampled], seen: set[str]) -> list[Draft]:
    """List variants that need no model, in a fixed order, without those that were seen."""
    found: dict[str, Draft] = {}
    for draft in (*_edited(sampled), *_recombined(sampled)):
        if draft.variant.id not in seen:
            found.setdefault(draft.variant.id, draft)
        if len(found) == MOST:
            break
    return list(found.values())


def _ranked(sampled: Sequence[Sampled]) -> list[Sampled]:
    return sorted(sampled, key=lambda one: (-one.figures.score, one.number))


def _recombined(sampled: Sequence[Sampled]) -> Iterator[Draft]:
    """Take each section from one of the best variants."""
    ranked = _ranked(sampled)[:SHOWN]
    names = list(ranked[0].variant.sections)
    for chosen in product(ranked, repeat=len(names)):
        sections = {name: one.variant.sections[name] for name, one in zip(names, chosen, strict=True)}
        parents = tuple(dict.fromkeys(one.variant.id for one in chosen))
        made = Variant(operator=ranked[0].variant.operator, sections=sections)
        yield Draft(variant=made, origin="recombined", parents=parents)


def _edited(sampled: Sequence[Sampled]) -> Iterator[Draft]:
    """Leave a sentence of the best variant out, or take one over from another."""
    best, *others = _ranked(sampled)
    for name, text in best.variant.sections.items():
        own = sentences(text)
        for left_out in range(len(own) if len(own) > 1 else 0):
            yield _edit(best, {name: " ".join(own[:left_out] + own[left_out + 1 :])})
        for other in others:
            for sentence in sentences(other.variant.sections[name]):
                if sentence not in own and len(text) + len(sentence) < MAX_SECTION:
                    yield _edit(best, {name: f"{text} {sentence}".strip()}, other)


def _edit(best: Sampled, sections: Mapping[str, str], *others: Sampled) -> Draft:
    made = Variant(operator=best.variant.operator, sections={**best.variant.sections, **sections})
    return Draft(variant=made, origin="edited", parents=(best.variant.id, *(one.variant.id for one in others)))


def sentences(text: str) -> list[str]:
    """Cut a text into sentences, each on one line."""
    return [" ".join(part.split()) for part in _SENTENCE.split(text) if part.strip()]
