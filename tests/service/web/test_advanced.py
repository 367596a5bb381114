"""A run that is asked for again is the same search, also in the settings that most leave as they are."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.types import RunConfig
from slotforge.search import settings
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.service.web import advanced

from .markup import read
from .test_forms import context

PLAIN = {"families": "sgen:9", "evals": "7"}
ALL = {
    "start": "default", "library": "yes", "tuned_baseline": "no", "tune_share": "0", "novelty": "0.9",
    "limit": "5000", "when_down": "wait", "answers": "json", "prompts": "best", "window": "3", "priority": "-4",
    "per_family": "11",
}  # fmt: skip
ASKED = st.fixed_dictionaries(
    {
        "start": st.sampled_from(["builtins", "default"]),
        "library": st.sampled_from([None, True, False]),
        "tune_share": st.sampled_from([0.0, settings.TUNE_SHARE, 0.5]),
        "tuned_baseline": st.booleans(),
        "novelty": st.sampled_from([None, 0.9]),
        "answers": st.sampled_from(["fences", "json"]),
    }
)


@given(ASKED)
def test_what_options_were_made_of_makes_the_same_again(wanted: dict[str, Any]) -> None:
    made = settings.options(**wanted)
    assert settings.options(**settings.asked(made)) == made


def filled(text: str) -> dict[str, str]:
    """Return what a browser sends of a form as it is shown: choices are written with what is chosen, or any, first."""
    page = read(text)
    assert page.wrong == []
    typed = {one["name"]: one["value"] for one in page.inputs if one.get("type") in ("text", "number")}
    choices = re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', text, re.DOTALL)
    chosen = {name: re.findall("<option selected>(.*?)<", options) for name, options in choices}
    return typed | {name: unescape(one[0]) if one else "" for name, one in chosen.items()}


@pytest.mark.parametrize("fields", [{}, ALL, {"workers": "6"}, {"start": "default"}, {"library": "no"}])
def test_a_run_again_is_the_same_search(fields: dict[str, str], tmp_path: Path) -> None:
    settings_ = Settings(store=str(tmp_path / "s.db"), cpus=8)
    with TestClient(make_app(settings_), base_url="http://localhost") as browser:
        assert browser.post("/new", data={**PLAIN, **fields}).status_code == 200
        first = context(browser).queue.jobs()[0]
        again = filled(browser.get(f"/new?like={first.id}").text)
        assert browser.post("/new", data=again).status_code == 200
        second = context(browser).queue.jobs()[0]
        assert second.id != first.id
        assert (second.config, second.priority) == (first.config, first.priority)


def test_every_setting_reaches_the_search(empty: TestClient) -> None:
    empty.post("/new", data={**PLAIN, **ALL})
    job = context(empty).queue.jobs()[0]
    assert isinstance(job.config, RunConfig)
    assert (job.priority, job.config.window) == (-4, 3)
    assert job.config.options == {
        "start": "default", "library": True, "tuned_baseline": False, "novelty": 0.9, "limit": 5000,
        "when_down": "wait", "answers": "json", "prompts": "best", "per_family": 11,
    }  # fmt: skip


def test_settings_are_folded_away_unless_one_of_them_is_not_as_usual(empty: TestClient) -> None:
    closed, opened = "<details><summary>Advanced", "<details open><summary>Advanced"
    assert closed in empty.get("/new").text
    for fields, fold in (({"workers": "1"}, closed), ({"novelty": "0.9"}, opened)):
        empty.post("/new", data={**PLAIN, **fields})
        assert fold in empty.get(f"/new?like={context(empty).queue.jobs()[0].id}").text
    assert opened in empty.post("/new", data={**PLAIN, "novelty": "9"}).text, "what is wrong there is seen"


def test_prompts_that_a_run_has_settled_on_are_named_by_their_ids() -> None:
    config = RunConfig(domain="sat", instances=("sgen:9",), options={"prompts": {"mutate": "00ff", "combine": "11aa"}})
    assert advanced.of(config, 0)["prompts"] == "00ff,11aa"
