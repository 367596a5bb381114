"""How new variants come about: read from answers, put together, edited, and chosen by a surrogate."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import UsageError
from slotforge.core.ids import generator
from slotforge.core.prompting import MAX_SECTION, Figures, Sampled, Variant
from slotforge.prompts.tokens import Idea
from slotforge.prompts.variants import shipped, variant
from slotforge.search import embeddings, novelty
from slotforge.search.prompt_search.surrogate import Surrogate, choose, features
from slotforge.search.prompt_search.writing import pool, read, sentences, trajectory

PARENT = shipped("mutate")
WORDS = [f"token{one}{two}" for one in "abcd" for two in "pqrstu"]


def sampled(number: int, score: float, **sections: str) -> Sampled:
    made = variant("mutate", sections)
    figures = Figures(samples=8, clusters=3, entropy=score, compile_rate=1, novelty=1, score=score, tokens=100, usd=0)
    return Sampled(number=number, variant=made, origin="rewritten", samples=(), figures=figures)


@pytest.mark.parametrize(
    "answer",
    [
        "=== role ===\nYou are terse.\n=== task ===\nVary {names}.",
        "Sure!\n\n````text\n=== role ===\nYou are terse.\n\n=== task ===\nVary {names}.\n````\n",
        "<think>=== task ===\nNo.</think>\n**=== role ===**\nYou are terse.\n## == task ==\n\nVary {names}.\n",
        "=== role ===\nYou are terse.\n=== secret ===\nIgnored.\n=== guidelines ===\n\n=== task ===\nVary {names}.",
    ],
)
def test_the_sections_of_an_answer_are_read(answer: str) -> None:
    draft = read(answer, PARENT)
    expected = {"role": "You are terse.", "guidelines": "", "task": "Vary {names}."}
    assert dict(draft.variant.sections) == expected
    assert (draft.origin, draft.parents) == ("rewritten", (PARENT.id,))


def test_a_section_that_is_left_out_stays() -> None:
    assert read("=== task ===\nVary {names}.", PARENT).variant.sections["role"] == PARENT.sections["role"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "no section"),
        ("I cannot do that.", "no section"),
        ("=== describe ===\nAnother solver.", "no section"),
        (f"=== task ===\n{'x' * (MAX_SECTION + 1)}", "at most 2,000"),
    ],
)
def test_answers_without_sections_or_with_long_ones_are_refused(answer: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read(answer, PARENT)


@given(answer=st.text(max_size=200) | st.text("= \ntaskrole{}`#~", max_size=80))
def test_any_answer_is_read_or_refused(answer: str) -> None:
    try:
        made = read(answer, PARENT).variant
    except UsageError:
        return
    assert set(made.sections) == set(PARENT.sections)


def test_the_trajectory_tells_the_best_last() -> None:
    told = trajectory([sampled(0, 0.5, task="Half."), sampled(1, 2.0, task="Two."), sampled(2, 1.0, task="One.")])
    assert [told.index(text) for text in ("Half.", "One.", "Two.")] == sorted(
        told.index(text) for text in ("Half.", "One.", "Two.")
    )
    assert "score 2.000: 3 kinds of code in 8 answers" in told


def test_the_pool_holds_recombinations_and_edits_and_nothing_that_was_seen() -> None:
    one = sampled(0, 1.0, role="Role one.", task="Do this. Then that.")
    two = sampled(1, 0.5, role="Role two.", task="Look twice.")
    seen = {one.variant.id, two.variant.id}
    found = pool([one, two], seen)
    tasks = {(draft.origin, draft.variant.sections["role"], draft.variant.sections["task"]) for draft in found}
    assert ("recombined", "Role one.", "Look twice.") in tasks
    assert ("recombined", "Role two.", "Do this. Then that.") in tasks
    assert ("edited", "Role one.", "Then that.") in tasks
    assert ("edited", "Role one.", "Do this. Then that. Look twice.") in tasks
    assert not seen & {draft.variant.id for draft in found}
    assert len({draft.variant.id for draft in found}) == len(found)
    assert pool([one, two], seen) == found


def test_texts_are_cut_into_sentences() -> None:
    text = "Do this:\nthen that; or not. Why? Because."
    assert sentences(text) == ["Do this: then that; or not.", "Why?", "Because."]
    assert sentences("") == []


def test_features_are_of_length_one_and_tell_sections_apart() -> None:
    rows = features([variant("mutate", {"task": "glue"}), variant("mutate", {"guidelines": "glue"}), PARENT], None)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert len({tuple(row) for row in rows}) == 3


def test_the_gradient_is_that_of_the_mean_and_is_known_best_where_it_was_measured() -> None:
    rng = generator("surrogate")
    rows = rng.normal(size=(12, 3))
    model = Surrogate(rows, rows @ [1.0, -0.5, 0.0])
    slope = model.gradient(np.zeros(3))
    assert slope[0] > abs(slope[2])
    assert slope[1] < 0
    assert float(model.variance(rows).max()) < float(model.variance(rows + 9).min())
    axes = np.eye(3)
    near, far = model.slope_variance(np.zeros(3), axes), model.slope_variance(np.full(3, 9.0), axes)
    assert ((near >= 0) & (near <= far) & (far <= 1 + 1e-9)).all()


@settings(deadline=None, max_examples=40)
@given(
    scores=st.lists(st.floats(0, 3), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    size=st.integers(1, 12),
)
def test_some_variant_is_always_chosen(scores: list[float], seed: int, size: int) -> None:
    rng = generator(seed)
    rows, others = rng.random((len(scores), 5)), rng.random((size, 5))
    chosen = choose(rows, np.array(scores), others)
    assert 0 <= chosen < size
    assert choose(rows, np.array(scores), others) == chosen
    assert choose(rows, np.zeros(len(scores)), np.repeat(rows[:1], size, axis=0)) in range(size)


def landscape(chosen: Sequence[int], weights: np.ndarray) -> float:
    return float(weights[list(chosen)].sum())


def steps(seed: int, *, guided: bool, budget: int = 24) -> float:
    """Search for the set of words of highest weight from one word on, and return the best that was found."""
    rng = generator(seed, "words")
    weights = rng.normal(size=len(WORDS))
    tried = [frozenset({int(rng.integers(len(WORDS)))})]
    while len(tried) < budget:
        best = max(tried, key=lambda one: landscape(sorted(one), weights))
        near = [made for word in range(len(WORDS)) if (made := best ^ {word}) and made not in tried]
        if guided:
            texts = [Variant(operator="o", sections={"task": " ".join(WORDS[w] for w in sorted(s))})
                     for s in [*tried, *near]]  # fmt: skip
            rows = features(texts, None)
            scores = np.array([landscape(sorted(one), weights) for one in tried])
            tried.append(near[choose(rows[: len(tried)], scores, rows[len(tried) :])])
        else:
            tried.append(near[int(rng.integers(len(near)))])
    return max(landscape(sorted(one), weights) for one in tried) / float(weights[weights > 0].sum())


def test_the_surrogate_finds_more_than_neighbours_at_random_do() -> None:
    guided, blind = (np.mean([steps(seed, guided=on) for seed in range(20)]) for on in (True, False))
    assert guided > blind + 0.05


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for sentence-transformers: texts with the same first letter are the same to it."""
    asked: list[str] = []

    class Encoder:
        def __init__(self, folder: str, *, device: str, local_files_only: bool) -> None:
            assert (folder, device, local_files_only) == (str(tmp_path), "cpu", True)

        def encode(self, text: str, *, normalize_embeddings: bool) -> list[float]:
            assert normalize_embeddings
            asked.append(text)
            return [1.0, 0.0] if text.lower().startswith("r") else [0.0, 1.0]

    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=Encoder))
    monkeypatch.setenv(embeddings.VARIABLE, str(tmp_path))
    return asked


def test_ideas_are_compared_by_a_local_model_where_one_is_named(encoder: list[str]) -> None:
    alike = novelty.judge()
    one, other, third = (Idea(text=text, code="") for text in ("Restart sooner.", "Run anew at once.", "Keep glue."))
    one, other, third = (Idea(text=i.text, code=f"{i.text} x") for i in (one, other, third))
    assert alike(one, other)
    assert not alike(one, third)
    assert not alike(Idea(text="", code="a"), Idea(text="", code="b"))
    rows = features([PARENT, variant("mutate", {"role": "Read."})], embeddings.model())
    assert rows.shape == (2, 2)
    assert sorted(set(encoder)) == sorted(encoder)  # nothing is encoded twice


def test_without_a_model_token_sets_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(embeddings.VARIABLE, raising=False)
    assert embeddings.model() is None
    assert not novelty.judge()(Idea(text="Restart sooner.", code="a b"), Idea(text="Run anew at once.", code="b a"))


def test_a_model_that_is_named_and_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(embeddings.VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="is no folder"):
        embeddings.model()
    monkeypatch.setenv(embeddings.VARIABLE, str(tmp_path))
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UsageError, match="is not installed"):
        embeddings.model()


@pytest.mark.parametrize("mark", ["== task ==", "** === task === **", "-- == - === task ==", "=== task ===  "])
def test_a_section_is_found_by_its_mark(mark: str) -> None:
    parent = shipped("mutate")
    assert read(f"So:\n{mark}\nWrite less.\n", parent).variant.sections["task"] == "Write less."


@pytest.mark.parametrize("unit", ["=", "== ", "= ", "==a==", "==  ", " "])
def test_a_long_line_without_a_mark_is_read_in_linear_time(unit: str) -> None:
    begin = time.process_time()
    with pytest.raises(UsageError, match="holds no section"):
        read(f"=={unit * (200_000 // len(unit))}", shipped("mutate"))
    assert time.process_time() - begin < 5
