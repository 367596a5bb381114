"""The cluster of a server is looked at aside: who asks is told soon, whatever the cluster does."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from slotforge.search.executors import _cluster
from slotforge.search.executors._cluster import Cluster
from slotforge.service.views import cluster
from slotforge.service.views.cluster import Lookout


def test_nobody_waits_for_a_cluster_that_is_silent_and_it_is_looked_at_once() -> None:
    answers, looks = threading.Event(), list[str]()

    def look() -> Cluster:
        looks.append("look")
        answers.wait(60)
        return Cluster(address="head:6379", why="it was silent")

    lookout = Lookout(look)
    began = time.monotonic()
    for _ in range(3):
        seen = lookout.seen(wait_s=0.1)
        assert (seen.looked, seen.why) == (None, "it is being looked at: ask again in some seconds")
    assert time.monotonic() - began < 10
    answers.set()
    while lookout.seen().looked is None:
        time.sleep(0.01)
    assert (lookout.seen().why, looks) == ("it was silent", ["look"])


def test_a_look_holds_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter(f"look {n}" for n in range(9))
    lookout = Lookout(lambda: Cluster(address="head:6379", why=next(found)))
    assert [lookout.seen(60).why for _ in range(3)] == ["look 0"] * 3
    later = time.monotonic() + cluster.LASTS_S
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert lookout.seen(60).why == "look 1"


def test_a_cluster_that_is_not_there_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    # on every address, for Ray asks another one of this machine where it is told the loopback
    with socket.create_server(("", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for told, patience_s, why in (
            (address, 2, f"{address} does not answer within 2 s: is Ray well there?"),
            ("none", 60, "none does not answer (Invalid address format: none): is it the head of a cluster?"),
        ):
            monkeypatch.setenv("RAY_ADDRESS", told)
            assert _cluster.look(patience_s) == Cluster(address=told, why=why)
