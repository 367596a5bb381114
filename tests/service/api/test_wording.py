"""What answers say to who has made a mistake: what is wrong, once, in words, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotforge.core.errors import UsageError
from slotforge.core.types import Instance, RunConfig, Suite
from slotforge.service.api.configuration import load

from .conftest import Site

ORDER = {"domain": "sat", "instances": ["tseitin:48"]}
NO_NAME = (
    "body.instances.0: '../a.cnf' is no name: name a family, such as sgen:21, or upload the files and name "
    "suite:NAME of /v1/suites"
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instances": ["../a.cnf"]}, NO_NAME),
        ({"per_family": 9}, "body.per_family: no such field here: it belongs in 'options'"),
        ({"evals": 9}, "body.evals: no such field here: it belongs in 'budget'"),
        ({"budget": {"eval": 9}}, "body.budget.eval: no such field: choose of evals, time_s, tokens, usd"),
    ],
)
def test_a_field_that_is_wrong_is_told_once_with_what_would_be_right(
    module_site: Site, change: dict[str, Any], said: str
) -> None:
    told = module_site.client.post("/v1/runs", json=ORDER | change).json()
    assert told["detail"] == said
    assert len(told["faults"]) == 1


def test_an_unknown_field_is_told_with_all_that_there_are(module_site: Site) -> None:
    told = module_site.client.post("/v1/runs", json=ORDER | {"famly": 1}).json()["detail"]
    assert told.startswith("body.famly: no such field: choose of domain, instances, slots, strategy, model, budget, ")


def test_a_list_that_is_empty_is_a_fault(module_site: Site) -> None:
    assert "at least 1" in module_site.client.post("/v1/runs", json=ORDER | {"instances": []}).json()["detail"]


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/json", '{"domain": sat}', "body: this is no JSON: Expecting value, at character 11"),
        ("text/plain", '{"domain": "sat"}', "a JSON object is expected: send one, with the header Content-Type: "),
        ("application/json", '"sat"', "a JSON object is expected"),
    ],
)
def test_a_body_that_is_no_json_is_told_in_words(module_site: Site, kind: str, body: str, said: str) -> None:
    answer = module_site.client.post("/v1/runs", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_an_address_that_is_none_is_told_with_where_to_look(module_site: Site) -> None:
    client = module_site.client
    assert (
        client.get("/v1/nosuch").json()["detail"] == "there is nothing at /v1/nosuch: /openapi.json lists what there is"
    )
    assert "/v1/runs takes no DELETE" in client.delete("/v1/runs").json()["detail"]
    assert "there is nothing at /nosuch: begin at /" in client.get("/nosuch", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("path", ["/v1/runs/zz", "/v1/jobs/zz", "/v1/candidates/zz", "/runs/zz", "/v1/records/zz"])
def test_what_is_not_there_is_told_without_the_path_of_the_database(module_site: Site, path: str) -> None:
    answer = module_site.client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "zz" in answer.text
    assert "store.db" not in answer.text
    assert module_site.store.name not in answer.text


@pytest.mark.parametrize("path", ["/v1/runs/{run}", "/v1/records/runs/{run}"])
def test_instances_of_a_run_are_told_without_the_folders_of_the_server(site: Site, path: str) -> None:
    one = Instance(id="1", name="a", family="f", path="/var/lib/forge/a.cnf")
    suite = Suite(search=(one,), select=(one,), holdout=(one,))
    run = site.store.create_run(RunConfig(domain="sat", instances=("a",)), suite, {})
    told = site.client.get(path.format(run=run))
    assert told.json()["run"]["suite"]["holdout"][0]["path"] == "a.cnf"
    assert "/var/lib" not in told.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prt = 1", "s.toml: prt: no such setting: choose of host, port, store, "),
        (
            '[[models]]\nspec = "openai:x"\nkey = 1',
            "s.toml: models.0.key: no such setting: choose of spec, base_url, usd",
        ),
        ("[instances]\nmost = 1", "s.toml: instances.most: no such setting: choose of files, plain_bytes, "),
    ],
)
def test_a_setting_that_is_none_is_told_with_those_that_there_are(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(UsageError) as told:
        load({}, tmp_path / "s.toml", {})
    assert said in str(told.value)


def test_a_variable_that_is_no_setting_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="no setting: choose of SLOTFORGE_SERVE_HOST, SLOTFORGE_SERVE_PORT, "):
        load({}, None, {"SLOTFORGE_SERVE_PRT": "1"})
