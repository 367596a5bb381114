"""The comparison of strategies ranks as published, keeps what is finished, and draws what it says."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import f, friedmanchisquare

from slotforge.bench import _cpu, _discovered, _synthetic, strategies
from slotforge.bench._cells import Cell, Job, Step, code_of, complete
from slotforge.bench._ranks import against, critical_difference, ranking
from slotforge.bench._result import Result
from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate
from slotforge.search.archive import Archive
from slotforge.search.report import Control, Report, nothing_tested
from slotforge.service.cli.bench import command
from slotforge.testing import landscape
from slotforge.testing.store_samples import sample_trial
from slotforge.testing.terrain import KINDS, SLOTS, Terrain, height_of

# Demšar (2006), table 5a: critical values q for the two-tailed Nemenyi test at 0.05
NEMENYI = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}


@pytest.mark.parametrize(("methods", "quantile"), [(k, NEMENYI[k]) for k in (2, 5, 10)])
def test_the_critical_difference_is_that_of_the_published_table(methods: int, quantile: float) -> None:
    blocks = 30
    expected = quantile * (methods * (methods + 1) / (6 * blocks)) ** 0.5
    assert critical_difference(methods, blocks) == pytest.approx(expected, abs=6e-4)


def test_ranks_and_friedmans_test_are_those_of_the_published_example() -> None:
    """Demšar (2006), table 6: C4.5 with and without two parameters tuned, on 14 data sets.

    Two values of the last but one are printed alike there, and ranked apart.
    """
    auc = """0.763 0.768 0.771 0.798|0.599 0.591 0.590 0.569|0.954 0.971 0.968 0.967|0.628 0.661 0.654 0.657|
    0.882 0.888 0.886 0.898|0.936 0.931 0.916 0.931|0.661 0.668 0.609 0.685|0.583 0.583 0.563 0.625|
    0.775 0.838 0.866 0.875|1.000 1.000 1.000 1.000|0.940 0.962 0.965 0.962|0.619 0.666 0.614 0.669|
    0.972 0.981 0.9751 0.975|0.957 0.978 0.946 0.970"""
    rows = [[-float(x) for x in row.split()] for row in auc.split("|")]
    made = ranking(dict(zip(("C4.5", "+m", "+cf", "+m+cf"), zip(*rows, strict=True), strict=True)))
    assert made.ranks == pytest.approx({"C4.5": 3.143, "+m": 2.000, "+cf": 2.893, "+m+cf": 1.964}, abs=5e-4)
    assert made.distance == pytest.approx(1.25, abs=5e-3)
    chi = friedmanchisquare(*zip(*rows, strict=True)).statistic  # 9.28 in the text, which does not correct for ties
    assert 9.28 < chi < 10.5
    assert made.p == pytest.approx(f.sf(13 * chi / (14 * 3 - chi), 3, 39))


def test_groups_are_the_largest_that_cannot_be_told_apart() -> None:
    made = ranking({"a": [1.0] * 40, "b": [2.0] * 40, "c": [3.0] * 40})
    assert made.groups() == []
    level = ranking({"a": [1.0, 2.0], "b": [2.0, 1.0], "c": [3.0, 3.0]})
    assert level.groups() == [("a", "b", "c")]


def test_a_control_is_beaten_where_it_is_worse_on_nearly_all_blocks() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=40)
    found = against("control", {"control": base, "better": base - 0.5, "alike": base + rng.normal(size=40) * 0.1})
    assert found["better"] == (1.0, pytest.approx(0, abs=1e-6))
    assert found["alike"][1] > 0.05


def made_cell(job: Job, value: float = 0.5) -> Cell:
    step = Step(trials=3, calls=4, cpu_s=0.0, value=value)
    return Cell(job=job, value=value, steps=(step,), trials=job.budget, calls=5)


def numbered(count: int) -> list[Job]:
    return [Job(domain="d", problem="p", strategy="s", seed=seed, budget=9) for seed in range(count)]


def test_finished_searches_are_kept_and_not_run_again(tmp_path: Path) -> None:
    file, jobs = tmp_path / "cells.jsonl", numbered(5)
    complete(jobs[:3], made_cell, file, 1)
    file.write_text(file.read_text() + '{"job": {"domain"')  # where the power went
    ran: list[int] = []

    def run(job: Job) -> Cell:
        ran.append(job.seed)
        return made_cell(job, 0.25)

    done = complete(jobs, run, file, 1)
    assert ran == [3, 4]
    assert [done[job].value for job in jobs] == [0.5, 0.5, 0.5, 0.25, 0.25]
    assert list(complete(jobs, run, file, 1)) == jobs
    assert ran == [3, 4]
    complete([job.model_copy(update={"code": "new"}) for job in jobs], run, file, 1)
    assert ran == [3, 4, 0, 1, 2, 3, 4]


def test_a_search_that_fails_costs_none_of_those_before_it(tmp_path: Path) -> None:
    file, jobs = tmp_path / "cells.jsonl", numbered(99)

    def run(job: Job) -> Cell:
        if job.seed == 37:
            raise KeyboardInterrupt
        return made_cell(job)

    with pytest.raises(KeyboardInterrupt):
        complete(jobs, run, file, 1)
    ran: list[Job] = []

    def again(job: Job) -> Cell:
        ran.append(job)
        return made_cell(job)

    assert list(complete(jobs, again, file, 1)) == jobs
    assert ran == jobs[37:]


def waiting_cell(job: Job) -> Cell:
    """Make a cell of the first seed once that of the second is kept."""
    file, end = Path(job.problem), time.monotonic() + 20
    while job.seed == 0 and '"seed":1' not in file.read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
    return made_cell(job)


def test_what_is_finished_is_kept_while_others_take_longer(tmp_path: Path) -> None:
    file = tmp_path / "cells.jsonl"
    jobs = [job.model_copy(update={"problem": str(file)}) for job in numbered(2)]
    assert list(complete(jobs, waiting_cell, file, 2)) == jobs


def test_code_is_named_by_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "somepackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    before = code_of("somepackage")
    (package / "prompt.md").write_text("new")
    after = code_of("somepackage")
    assert before != after == code_of("somepackage")


SPIN = "import time\nwhile time.process_time() < 0.4: pass\n"


def test_cpu_seconds_are_those_of_children_and_grandchildren_as_well_whether_they_live_or_have_ended() -> None:
    before = _cpu.spent()
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    ended = _cpu.since(before)
    assert 0.4 <= ended.started_s < 4
    assert ended.own_s < 0.4
    grandchild = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}], check=True)\n"
    waiting = f"{grandchild}print(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        living = _cpu.since(before).started_s
        assert living >= 0.78
        child.communicate()
    assert _cpu.since(before).started_s >= living - 0.05


def test_a_search_counts_the_cpu_seconds_of_the_processes_that_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(domain=landscape.NAME, problem="a", strategy="random", seed=1, budget=4)
    alone = _discovered.run(job)
    monkeypatch.setattr(_discovered, "EXECUTOR", "process")
    with_worker = _discovered.run(job)
    assert alone.started_cpu_s == pytest.approx(0, abs=0.05)
    assert with_worker.started_cpu_s is not None
    assert with_worker.started_cpu_s > 0.05  # the worker: its start, even where a server of forks has imported all
    assert with_worker.cpu_s == with_worker.own_cpu_s + with_worker.started_cpu_s


def test_the_cost_of_searches_is_told_with_all_that_they_started_unless_a_cell_is_older_than_that() -> None:
    jobs = [Job(domain="d", problem="p", strategy=name, seed=0, budget=9) for name in ("random", "x")]
    cells = [
        made_cell(job).model_copy(update={"own_cpu_s": 10.0, "started_cpu_s": 90.0, "evaluation_cpu_s": 5.0})
        for job in jobs
    ]
    told = strategies.report(cells, "d")
    assert told.settings["CPU seconds of the searches, with all processes that they started"] == 200
    assert told.tables[1].columns[-2:] == ("CPU s of evaluations", "CPU s in all")
    assert [row[-2:] for row in told.tables[1].rows] == [(5, 100), (5, 100)]
    old = Cell.model_validate_json(cells[0].model_dump_json(exclude={"started_cpu_s"}))
    told = strategies.report([old, cells[1]], "d")
    assert told.settings["CPU seconds of the searches, without compilers, solvers and checkers"] == 20
    assert told.tables[1].columns[-1] == "CPU s of evaluations"


def test_a_search_of_a_domain_counts_every_question_on_its_way() -> None:
    job = Job(domain=landscape.NAME, problem="a", strategy="autosat", seed=1, budget=12)
    cell = _discovered.run(job)
    assert cell.calls == 3 * cell.trials
    assert len(cell.steps) > 1
    assert (cell.steps[0].trials, cell.steps[0].value) == (0, 1.0)
    assert all(step.calls == 3 * step.trials for step in cell.steps)
    assert cell.own_cpu_s > 0


def test_the_course_of_a_search_begins_where_the_search_does() -> None:
    """Step rules begin far from the reference, and mostly stay behind it."""
    ratios = {-1: 5.0, 0: 1.0, 1: 6.0, 2: 4.0, 3: 4.5}
    trials = {number: sample_trial("r", number, ratio=ratio) for number, ratio in ratios.items()}
    archive, watch = Archive(slots=("restart_due",), baseline=trials[0]), _discovered.Watch()
    archive.begin_with([trials[-1]], apart=True)
    for number in (1, 2, 3):
        archive.add(trials[number])
        watch.told(trials[number], archive)
    assert [(step.trials, step.value) for step in watch.steps] == [(0, 5.0), (2, 4.0)]


def test_a_search_without_a_winner_counts_as_what_it_began_from() -> None:
    """For step rules that is far from the reference, which is the best tuned specialist."""
    start = Control(candidate="ab", name="step=sgd", ratio=3.0, low=2.9, high=3.1)
    for controls, expected in (({"best_builtin": start}, 3.0), ({}, 1.0)):
        report = Report.model_construct(holdout=nothing_tested("nothing was left"), controls=controls)
        assert _discovered.value(report) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_landscape_lies_between_0_and_1_and_is_the_same_every_time(kind: str) -> None:
    rng = np.random.default_rng(1)
    family = f"terrain:kind={kind}:seed=4"
    drawn = [rng.integers(8, size=(4, 6)) for _ in range(50)]
    heights = [height_of(family)(digits) for digits in drawn]
    assert all(0 <= height <= 1 for height in heights)
    assert len(set(heights)) > 5
    height_of.cache_clear()
    assert heights == [height_of(family)(digits) for digits in drawn]


def test_in_a_sparse_landscape_one_slot_matters_and_in_an_epistatic_one_neighbours_do() -> None:
    domain = Terrain()
    default = Candidate(domain=domain.name)

    def moved(kind: str, **slots: str) -> float:
        family = f"terrain:kind={kind}:seed=2"
        return domain.true_height(default.with_slots(slots), family) - domain.true_height(default, family)

    assert sum(moved("sparse", **{slot: "016273"}) != 0 for slot in SLOTS) == 1
    apart = moved("epistatic", a="016273") + moved("epistatic", b="543210")
    assert moved("epistatic", a="016273", b="543210") != pytest.approx(apart)


@pytest.mark.parametrize("strategy", ["hill_climber", "reevo", "mcts_ahd", "autosat"])
def test_a_search_is_the_same_every_time_and_counts_its_questions(strategy: str) -> None:
    job = Job(domain="synthetic", problem="smooth", strategy=strategy, seed=3, budget=30)
    first, second = (_synthetic.run(job) for _ in range(2))
    assert first.model_copy(update={"own_cpu_s": 0}) == second.model_copy(update={"own_cpu_s": 0})
    assert first.calls >= 27
    assert first.value == first.steps[-1].value < 1.1
    assert [step.trials for step in first.steps] == sorted(step.trials for step in first.steps)
    assert all(step.trials <= 30 for step in first.steps)


def test_the_command_ranks_draws_and_goes_on_where_it_was(tmp_path: Path) -> None:
    arguments = ["strategies", "--strategies", "random,one_plus_one,hill_climber:patience=2", "--budget", "20"]
    arguments += ["--problem", "smooth", "--problem", "rugged", "--cells", str(tmp_path / "c.jsonl"), "--json"]

    def bench(seeds: int) -> Result:
        where = ["--seeds", str(seeds), "--out", str(tmp_path / "out")]
        ended = CliRunner().invoke(command, [*arguments, *where], catch_exceptions=False)
        assert ended.exit_code == 0, ended.output
        return Result.model_validate(json.loads(ended.stdout))

    bench(2)
    made = bench(3)
    assert (tmp_path / "c.jsonl").read_text().count('"job"') == 3 * 2 * 3
    assert set(made.figures["ranks"]) == {"random", "one_plus_one", "hill_climber:patience=2"}
    assert sum(made.figures["ranks"].values()) == pytest.approx(6)
    assert "Not shown to beat random" in made.tables[2].note
    for kind in ("ranks", "trials", "calls"):
        ElementTree.parse(tmp_path / "out" / f"strategies-synthetic-{kind}.svg")
    again = bench(3)
    assert again.figures == made.figures


def test_on_a_domain_whole_searches_run(tmp_path: Path) -> None:
    arguments = ["strategies", "--domain", "slotforge.testing.landscape", "--problem", "hills", "--budget", "8"]
    arguments += ["--strategies", "random,one_plus_one", "--seeds", "1", "--cells", str(tmp_path / "c.jsonl")]
    ended = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path), "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    cells = [Cell.model_validate_json(line) for line in (tmp_path / "c.jsonl").read_text().split()]
    assert [cell.calls for cell in cells] == [8, 8]
    assert all(cell.evaluation_cpu_s > 0 for cell in cells)


@pytest.mark.parametrize(
    ("domain", "says"), [("nonsense", "nonsense"), ("slotforge.testing.landscape", "name its families with --problem")]
)
def test_what_names_no_searches_is_refused_in_one_line(domain: str, says: str, tmp_path: Path) -> None:
    arguments = ["strategies", "--domain", domain, "--seeds", "1", "--cells", str(tmp_path / "c.jsonl")]
    with pytest.raises(UsageError, match=says):
        CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    assert not (tmp_path / "c.jsonl").exists()


@pytest.mark.parametrize("domain", strategies.FAMILIES)
def test_the_usual_problems_of_a_domain_are_families_of_it(domain: str) -> None:
    options = {"per_family": 3}
    for family in strategies.FAMILIES[domain]:
        assert registry.load(f"slotforge.solvers.{domain}", "domain").domain().suite((family,), seed=0, options=options)


def test_the_control_that_is_not_beaten_is_named() -> None:
    jobs = [
        Job(domain="d", problem="p", strategy=name, seed=seed, budget=9)
        for name in ("random", "x")
        for seed in range(9)
    ]
    note = strategies.report([made_cell(job) for job in jobs], "d").tables[2].note
    assert note.endswith("Not shown to beat random: x.")
