"""What every domain of this kind promises: instances, measurements, hostile candidates, artefacts."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from slotforge.core.errors import BuildError, SlotforgeError, UsageError
from slotforge.core.types import DIGEST, Candidate, Instance, Measurement, Outcome
from slotforge.search.race import signature
from slotforge.search.worker import domain
from slotforge.solvers.policy import instances
from slotforge.solvers.policy.domain import Policies

FAMILY = {"packing": "weibull_1k_100", "tsp": "tsp50"}
NAMES = tuple(FAMILY)
WRONG = {
    "packing": "np.flatnonzero = lambda fits: np.arange(len(fits))\n    return item - bins",
    "tsp": "np.asarray = lambda *given: given[0]\n    return 1",
}
NEAREST = "return unvisited[np.argmin({} * distances[current, unvisited])]"
ALIKE = {
    "packing": ("return item - bins", "return 2 * (item - bins)", "return bins - item"),
    "tsp": (NEAREST.format(1), NEAREST.format(2), "return unvisited[0]"),
}
PLATEAU = ("return item - bins", "return np.where(bins - item == 2, -4.5, item - bins)")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))
    return tmp_path


def found(name: str) -> Policies:
    made = domain(name)
    assert isinstance(made, Policies)
    return made


def first(name: str) -> Instance:
    return found(name).suite([FAMILY[name]], seed=0, options={"per_family": 3}).search[0]


def candidate(name: str, body: str) -> Candidate:
    (slot,) = found(name).slots().values()
    return Candidate(domain=name, slots={slot.name: f"{slot.signature.removesuffix(' ...')}\n    {body}\n"})


def measured(name: str, one: Candidate, limit: float | None = None) -> Measurement:
    return found(name).measure(one, first(name), seed=0, limit=limit, prove=False, fused=False)


@pytest.mark.parametrize("name", NAMES)
def test_instances_are_dealt_to_splits_by_seed_and_named_by_content(name: str) -> None:
    suite = found(name).suite([FAMILY[name]], seed=3, options={"per_family": 10})
    assert [len(split) for split in (suite.search, suite.select, suite.holdout)] == [4, 2, 4]
    everything = [*suite.search, *suite.select, *suite.holdout]
    assert len({instance.id for instance in everything}) == 10
    assert suite == found(name).suite([FAMILY[name]], seed=3, options={"per_family": 10})
    other = found(name).suite([FAMILY[name]], seed=4, options={"per_family": 10})
    assert not {instance.id for instance in everything} & {instance.id for instance in other.holdout}


@pytest.mark.parametrize("name", NAMES)
def test_an_instance_that_a_full_disk_cut_off_is_written_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def cut_off(path: Path, text: str, **options: str) -> int:
        write(path, text[:9], **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", cut_off)
        with pytest.raises(OSError, match="No space left"):
            first(name)
    assert instances.read(first(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_published_test_set_is_for_verdicts_alone(name: str) -> None:
    test = f"{FAMILY[name]}:test"
    suite = found(name).suite([test], seed=0, options={"holdout_only": True, "per_family": 3})
    assert len(suite.holdout) == (5 if name == "packing" else 1000)
    with pytest.raises(UsageError, match="not to be searched on"):
        found(name).suite([test], seed=0, options={})


@pytest.mark.parametrize(("name", "bodies"), ALIKE.items())
def test_a_measurement_tells_answers_apart(name: str, bodies: tuple[str, str, str]) -> None:
    own, same, other = (measured(name, candidate(name, body)) for body in bodies)
    assert signature([own]) == signature([same]) != signature([other])
    assert own.stats[DIGEST].is_integer()
    assert own.stats[DIGEST] < 2**53
    assert signature([own]) == signature([Measurement.model_validate_json(own.model_dump_json())])


def test_packings_of_equal_cost_are_told_apart() -> None:
    own, other = (measured("packing", candidate("packing", body)) for body in PLATEAU)
    assert own.cost == other.cost
    assert signature([own]) != signature([other])


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_that_names_nothing_is_refused(name: str) -> None:
    for spec, said in (("nothing", "no family called"), (f"{FAMILY[name]}:k=3", "is no setting of")):
        with pytest.raises(UsageError, match=said):
            found(name).suite([spec], seed=0, options={})
    with pytest.raises(UsageError, match="named twice"):
        found(name).suite([FAMILY[name]] * 2, seed=0, options={})
    with pytest.raises(UsageError, match="twins"):
        found(name).suite([FAMILY[name]], seed=0, options={"twins": True})


@pytest.mark.parametrize("name", NAMES)
def test_a_measurement_repeats_and_is_that_of_the_default_without_slots(name: str) -> None:
    (slot,) = found(name).slots().values()
    plain = measured(name, Candidate(domain=name))
    default = measured(name, Candidate(domain=name, slots={slot.name: slot.default}))
    assert (plain.outcome, plain.evidence) == (Outcome.SOLVED, "model")
    assert (plain.cost, plain.stats) == (default.cost, default.stats)
    assert plain.cost == measured(name, Candidate(domain=name)).cost > 1


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_costs_more_than_its_limit_ends_there(name: str) -> None:
    cost = measured(name, Candidate(domain=name)).cost
    assert measured(name, Candidate(domain=name), limit=cost).outcome is Outcome.SOLVED
    cut = measured(name, Candidate(domain=name), limit=cost / 2)
    assert (cut.outcome, cut.cost) == (Outcome.LIMIT, cost / 2)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_policy_does_is_told_on_axes_between_0_and_1(name: str) -> None:
    (slot,) = found(name).slots().values()
    told = []
    for variant in slot.variants.values():
        one = measured(name, Candidate(domain=name, slots={slot.name: variant}))
        told.append(found(name).behaviour(Candidate(domain=name), [one], [one]))
        assert set(told[-1]) == set(found(name).axes)
        assert all(0 <= value <= 1 for value in told[-1].values())
    assert len({tuple(sorted(one.items())) for one in told}) > 1


@pytest.mark.parametrize(("name", "outcome"), [(name, Outcome.WRONG) for name in NAMES])
def test_who_changes_numpy_in_its_process_gives_a_wrong_answer(name: str, outcome: Outcome) -> None:
    hostile = candidate(name, WRONG[name])
    assert "attributes cannot be changed" in (found(name).check(hostile) or "")
    assert measured(name, hostile).outcome in (outcome, Outcome.CRASH)


@pytest.mark.parametrize("name", NAMES)
def test_who_loops_for_ever_is_ended(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(found(name)), "cpu_s", 0.3)
    assert measured(name, candidate(name, "while True: pass")).outcome is Outcome.TIMEOUT


@pytest.mark.parametrize("name", NAMES)
def test_who_takes_too_much_memory_or_breaks_has_failed(name: str) -> None:
    assert measured(name, candidate(name, "return np.ones(10**11)")).outcome is Outcome.TOO_LARGE
    broken = measured(name, candidate(name, "return np.array([1, 2])[7]"))
    assert broken.outcome is Outcome.CRASH
    assert "line 2: IndexError" in broken.reason


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("packing", "return bins[:-1]", "a number for each bin"),
        ("packing", "return bins * np.nan", "nan"),
        ("tsp", "return current", "one of the unvisited cities"),
        ("tsp", "return unvisited", "one of the unvisited cities"),
        ("tsp", "return 10**6", "one of the unvisited cities"),
        ("tsp", "return distances[current, unvisited[0]]", "one of the unvisited cities"),
        ("tsp", "return None", "one of the unvisited cities"),
    ],
)
def test_an_answer_that_is_none_is_refused_in_words_that_help(name: str, body: str, said: str) -> None:
    assert found(name).check(candidate(name, body)) is None
    with pytest.raises(BuildError, match=said):
        measured(name, candidate(name, body))


def test_distances_cannot_be_changed() -> None:
    hostile = candidate("tsp", "distances[:] = 0\n    return unvisited[0]")
    assert "read-only" in measured("tsp", hostile).reason


@pytest.mark.parametrize("name", NAMES)
def test_an_instance_that_is_gone_is_named(name: str) -> None:
    instance = first(name)
    Path(instance.path).unlink()
    with pytest.raises(SlotforgeError, match="cannot be read"):
        found(name).measure(Candidate(domain=name), instance, seed=0, limit=None, prove=False, fused=False)


@pytest.mark.parametrize("name", NAMES)
def test_an_exported_policy_needs_numpy_alone_and_answers_the_same(name: str, tmp_path: Path) -> None:
    (slot,) = found(name).slots().values()
    variant = list(slot.variants.values())[1]
    one = Candidate(domain=name, slots={slot.name: variant})
    out = found(name).export(one, "python", tmp_path / "mine.py", {"candidate": one.id})
    content = json.loads(Path(first(name).path).read_text())
    call = {"packing": "pack(mine.priority, c['items'], c['capacity'])", "tsp": "tour(mine.select_next, c['points'])"}
    code = f"c = json.load(open({first(name).path!r})); print(json.dumps(mine.{call[name]}))"
    code = f"import json, sys; sys.path.insert(0, {str(tmp_path)!r}); import mine; {code}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (answer,) = found(name).apply(one, content).answer.values()
    assert json.loads(ran.stdout) == answer
    assert "slotforge" not in out.read_text().partition("import numpy")[2]
    assert f"slotforge candidate {one.id}" in out.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_only_what_was_exported_is_written_over(name: str, tmp_path: Path) -> None:
    out = tmp_path / "mine.py"
    out.write_text("print('mine')\n")
    with pytest.raises(UsageError, match="was not exported by slotforge"):
        found(name).export(Candidate(domain=name), "python", out, {})
    with pytest.raises(UsageError, match="no artefact 'solver'"):
        found(name).export(Candidate(domain=name), "solver", tmp_path / "other", {})


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_told_of_the_problem_the_form_and_the_instances(name: str) -> None:
    told = found(name).describe([FAMILY[name]])
    for words in ("import numpy as np", "`WEIGHT = 0.5  # in [0.05, 5]`", FAMILY[name], "argmin"):
        assert words in told
    (slot,) = found(name).slots().values()
    assert slot.signature.startswith(f"def {slot.name}(")
    assert slot.contract.startswith("Called once")
    assert next(iter(slot.variants.values())) == slot.default


@pytest.mark.parametrize("name", NAMES)
def test_another_slot_is_refused(name: str) -> None:
    assert "no slot called 'step'" in (found(name).check(Candidate(domain=name, slots={"step": "x"})) or "")
