"""Searches where nothing can be found: what is counted, and what is promised."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from slotforge.bench.aa import Count, Setting, _config, counted, report, simulated
from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Instance
from slotforge.search.racing import geometric_mean_ratio
from slotforge.search.shares import Share
from slotforge.testing.level import SHAPES, Family, Level, family

SMALL = Setting(shape="normal", noise=0.3, gain=0.0, evals=6, instances=20)


@pytest.mark.parametrize("shape", SHAPES)
def test_luck_has_mean_0_and_variance_1(shape: str) -> None:
    rng = generator("luck", shape)
    drawn = np.array([SHAPES[shape](rng) for _ in range(20_000)])
    assert drawn.mean() == pytest.approx(0, abs=0.03)
    assert drawn.std() == pytest.approx(1, abs=0.15)  # that of the heavy tails converges slowly


def test_candidates_of_a_level_domain_differ_from_the_baseline_by_their_gain_alone() -> None:
    own = Family(gain=0.2, noise=0.0)
    assert family(own.spec) == own
    domain, instance = Level(), Instance(id="i", name="i", family=own.spec, path="")
    costs = [domain.cost(Candidate(domain=domain.name, slots=slots), instance, 0) for slots in ({}, {"alpha": "0.1"})]
    assert costs[1] / costs[0] == pytest.approx(0.8, rel=1e-5)


def test_the_interval_of_a_share_is_that_of_clopper_and_pearson() -> None:
    assert Share(count=0, of=100).bounds == pytest.approx((0, 0.0362), abs=1e-4)
    assert Share(count=10, of=100).bounds == pytest.approx((0.0490, 0.1762), abs=1e-4)
    assert Share(count=5, of=5).bounds[1] == 1
    assert Share(count=0, of=0).value is None


def test_searches_are_counted_with_the_races_of_their_proposals() -> None:
    count = counted(SMALL, range(2))
    assert (count.searches, count.better + count.worse) == (2, 0)
    assert 0 < count.proposals <= 12
    assert 0 < count.equal < count.proposals
    assert count.unlucky <= count.equal
    assert count.mistaken <= count.dropped <= count.proposals


def test_in_unbalanced_searches_candidates_gain_in_a_small_family_what_they_lose_in_a_large_one() -> None:
    config = _config(Setting(shape="unbalanced", noise=0.0, gain=0.0, evals=6, instances=20), 0)
    suite = Level().suite(config.instances, seed=0, options=config.options).search
    assert sorted(Counter(i.family for i in suite).values()) == [2, 8]
    reference, other = (
        [
            Level().measure(Candidate(domain=Level.name, slots=slots), i, seed=0, limit=None, prove=False, fused=False)
            for i in suite
        ]
        for slots in ({}, {"alpha": "0.1"})
    )
    assert geometric_mean_ratio(other, {m.instance: m for m in reference}) == pytest.approx(1, rel=1e-5)


def test_searches_that_were_counted_are_not_run_again(tmp_path: Path) -> None:
    file = tmp_path / "aa.jsonl"
    known = Count(searches=25, opened=20, better=7)
    line = {"setting": vars(SMALL), "seeds": [0, 25], "count": vars(known)}
    file.write_text(f'{json.dumps(line)}\n{{"setting": {{"sha\n')
    assert simulated(SMALL, 25, 1, file) == known
    assert simulated(SMALL, 26, 1, file).searches == 26
    assert len(file.read_text().splitlines()) == 3


def test_a_true_gain_is_found() -> None:
    assert counted(Setting(shape="normal", noise=0.1, gain=0.2, evals=6, instances=40), range(1)).better == 1


def test_a_share_that_is_surely_above_its_promise_is_an_error() -> None:
    kept = Count(searches=1000, opened=900, better=24, equal=5000, unlucky=200, proposals=5000, sound=400, mistaken=18)
    assert report({SMALL: kept}).errors == ()
    broken = kept + Count(better=20, mistaken=20)
    assert [error.partition(",")[0] for error in report({SMALL: broken}).errors] == [
        "verdicts 'better'",
        "raced out",
    ]
