"""The best prompts that are known, each beside the one that slotforge comes with."""

from __future__ import annotations

from fastapi.testclient import TestClient

from slotforge.core.prompting import AGAIN, Figures, PromptSearch, Sampled, Variant
from slotforge.lineage.prompts import PromptBook
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.service.views import prompts

from .conftest import Scene


def sampled(number: int, text: str, score: float) -> Sampled:
    rates = {"entropy": score, "compile_rate": 1.0, "novelty": 1.0, "score": score, "tokens": 100.0, "usd": 0.01}
    variant = Variant(operator="mutate", sections={"task": text})
    figures = Figures(samples=8, clusters=4, **rates)
    return Sampled(number=number, variant=variant, origin="rewritten", samples=(), figures=figures)


def searched(scene: Scene, operator: str, *found: Sampled) -> PromptSearch:
    search = PromptSearch(domain="sat", operator=operator, slots=("decay",), model="m")
    book = PromptBook(scene.store)
    book.open(search)
    for one in found:
        book.record(search.id, one)
    return search


def test_each_search_is_known_by_its_best_variant_the_newest_first(scene: Scene) -> None:
    old = searched(scene, "mutate", sampled(0, "shipped", 0.4), sampled(1, "better", 0.9), sampled(2, "worse", 0.1))
    searched(scene, "empty")
    new = searched(scene, "cross", sampled(0, "shipped", 0.5))
    found = prompts.prompts(scene.store)
    assert [(one.search, one.score, one.shipped) for one in found] == [(new.id, 0.5, 0.5), (old.id, 0.9, 0.4)]
    assert prompts.variant(scene.store, found[1].variant[:6]).sections == {"task": "better"}
    assert [one.search for one in prompts.prompts(scene.store, operator="mutate")] == [old.id]
    assert prompts.prompts(scene.store, domain="tsp") == ()


def test_what_was_sampled_again_counts_for_both(scene: Scene) -> None:
    first = (sampled(0, "shipped", 0.4), sampled(1, "lucky", 0.9))
    searched(scene, "mutate", *first, sampled(AGAIN, "shipped", 0.45), sampled(AGAIN + 1, "lucky", 0.6))
    (found,) = prompts.prompts(scene.store)
    assert (found.score, found.shipped) == (0.6, 0.45)


def test_they_are_asked_for_through_the_api(scene: Scene) -> None:
    for operator in ("mutate", "cross", "third"):
        searched(scene, operator, sampled(0, f"shipped {operator}", 0.4))
    with TestClient(make_app(Settings(), scene.store), base_url="http://localhost") as client:
        page = client.get("/v1/prompts", params={"limit": 2}).json()
        rest = client.get("/v1/prompts", params={"limit": 2, "cursor": page["next"]}).json()
        assert [one["operator"] for one in page["items"] + rest["items"]] == ["third", "cross", "mutate"]
        assert rest["next"] is None
        variant = page["items"][0]["variant"]
        assert client.get(f"/v1/prompts/{variant}").json()["sections"] == {"task": "shipped third"}
        assert client.get("/v1/prompts/feedfeed").status_code == 404
