"""What the summaries of a store hold, and what a full count says that they should."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import Connection, select

from slotforge.core.types import Candidate, charge, clipped
from slotforge.lineage import schema
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import (
    FamilyStanding,
    Maker,
    ModelShare,
    OperatorShare,
    RunTotal,
    SlotSet,
    Standing,
    Step,
    Tally,
)

SCORED = ("scored", "confirmed")
SPENT = ("input_tokens", "output_tokens", "usd", "latency_s")
Found = dict[str, dict[Any, Any]]


def kept(store: SqlStore) -> Found:
    """Read the summaries, by table and key."""
    with store.reading() as connection:
        sets = {row["id"]: tuple(row["slots"]) for row in _all(connection, SlotSet)}
        found: Found = {
            "tally": {(row["run"], row["state"]): row["trials"] for row in _all(connection, Tally) if row["trials"]},
            "run_total": {row.pop("run"): _rounded(row) for row in _all(connection, RunTotal)},
            "operator_share": {
                (row.pop("run"), row.pop("operator")): _rounded(row) for row in _all(connection, OperatorShare)
            },
            "model_share": {(row.pop("run"), row.pop("model")): _rounded(row) for row in _all(connection, ModelShare)},
            "step": {(row["run"], row["number"]): row["ratio"] for row in _all(connection, Step)},
            "maker": {row["candidate"]: (row["run"], row["number"]) for row in _all(connection, Maker)},
            "standing": {row.pop("candidate"): row for row in _all(connection, Standing)},
            "family_standing": {
                (row.pop("candidate"), row.pop("family")): row for row in _all(connection, FamilyStanding)
            },
        }
    for table in ("standing", "family_standing"):
        for key, row in found[table].items():
            found[table][key] = _rounded({**row, "slot_set": sets[row["slot_set"]]})
    return found


def counted(store: SqlStore) -> Found:
    """Count everything anew."""
    with store.reading() as connection:
        trials, runs = _all(connection, schema.Trial), {row["id"]: row for row in _all(connection, schema.Run)}
        calls, measured = _all(connection, schema.Completion), _all(connection, schema.Measurement)
        candidates = {row["id"]: row["domain"] for row in _all(connection, schema.Candidate)}
        slots: dict[str, list[str]] = defaultdict(list)
        for row in _all(connection, schema.CandidateSlot):
            slots[row["candidate"]].append(row["slot"])
        standing = _searched(trials)
        family_standing = _searched_families(trials, measured)
        _judge(connection, candidates, standing, family_standing)
    makers: dict[str, Any] = {}
    for row in trials:
        if row["candidate"]:
            rank = 2 * (row["state"] not in SCORED) + (row["ratio"] is None)
            place = (rank, runs[row["run"]]["started"], row["run"], row["number"])
            makers[row["candidate"]] = min(makers.get(row["candidate"], place), place)

    def of(found: dict[Any, Any], candidate: Any) -> dict[Any, Any]:
        return {
            key: _rounded(
                {**row, "domain": candidates[candidate(key)], "slot_set": tuple(sorted(slots[candidate(key)]))}
            )
            for key, row in found.items()
            if slots[candidate(key)]
        }

    return {
        "tally": dict(Counter((row["run"], row["state"]) for row in trials)),
        "run_total": _totals(trials, calls),
        "operator_share": _shares(trials, calls, lambda trial, answers: {trial["operator"]: answers}),
        "model_share": _shares(trials, calls, lambda _, answers: _by_model(answers)),
        "step": _steps(trials),
        "maker": {candidate: place[2:] for candidate, place in makers.items()},
        "standing": of(standing, lambda key: key),
        "family_standing": of(family_standing, lambda key: key[0]),
    }


def _all(connection: Connection, table: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table.__table__)).mappings()]


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in row.items()}


def _totals(trials: list[dict[str, Any]], calls: list[dict[str, Any]]) -> dict[str, Any]:
    totals: dict[str, Any] = {}
    for run in {row["run"] for row in (*trials, *calls)}:
        own = [row for row in trials if row["run"] == run]
        asked = [row for row in calls if row["run"] == run]
        after = [row for row in own if row["number"] > 0]
        ratios = [row["ratio"] for row in after if row["state"] in SCORED and row["ratio"] is not None]
        sums = {name: float(sum(row[name] for row in asked)) for name in SPENT}
        totals[run] = _rounded(
            {
                "trials": len(after),
                "ratio": min(ratios, default=None),
                "cpu_s": float(sum(row["cpu_s"] for row in own)),
                "calls": len(asked),
                **sums,
            }
        )
    return totals


def _shares(trials: list[dict[str, Any]], calls: list[dict[str, Any]], names: Any) -> dict[Any, Any]:
    """Sum up the proposals by name; `names` gives those of a trial, each with its part of the answers."""
    said: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for call in calls:
        said[call["run"], call["number"]].append(call)
    parts: dict[Any, list[Any]] = defaultdict(list)
    for trial in trials:
        if trial["number"] > 0:
            for name, answers in names(trial, said[trial["run"], trial["number"]]).items():
                parts[trial["run"], name].append((trial, answers))
    return {key: _rounded(_share(of)) for key, of in parts.items()}


def _by_model(answers: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {
        model: [answer for answer in answers if answer["model"] == model]
        for model in {answer["model"] for answer in answers}
    }


def _share(parts: list[Any]) -> dict[str, Any]:
    scored = [trial for trial, _ in parts if trial["state"] in SCORED]
    answers = [answer for _, of in parts for answer in of]
    return {
        "trials": len(parts),
        "scored": len(scored),
        "ratio": min((trial["ratio"] for trial in scored if trial["ratio"] is not None), default=None),
        "calls": len(answers),
        "tokens": float(sum(answer["input_tokens"] + answer["output_tokens"] for answer in answers)),
        "usd": float(sum(answer["usd"] for answer in answers)),
    }


def _steps(trials: list[dict[str, Any]]) -> dict[Any, float]:
    found: dict[Any, float] = {}
    best: dict[str, float] = {}
    for row in sorted(trials, key=lambda row: row["number"]):
        run, ratio = row["run"], row["ratio"]
        counts = row["number"] >= 0 and row["state"] in SCORED and ratio is not None
        if counts and (run not in best or ratio < best[run]):
            found[run, row["number"]] = best[run] = ratio
    return found


def _stands(ratio: float, run: str | None) -> dict[str, Any]:
    return {"rank": 1, "ratio": ratio, "low": None, "high": None, "run": run, "verdict": None}


def _searched(trials: list[dict[str, Any]]) -> dict[Any, Any]:
    least: dict[str, tuple[float, str]] = {}
    for row in trials:
        if row["state"] in SCORED and row["candidate"] and row["ratio"] is not None:
            place = (row["ratio"], row["run"])
            least[row["candidate"]] = min(least.get(row["candidate"], place), place)
    return {candidate: _stands(*place) for candidate, place in least.items()}


def _searched_families(trials: list[dict[str, Any]], measured: list[dict[str, Any]]) -> dict[Any, Any]:
    base: dict[Any, list[float]] = defaultdict(list)
    for row in measured:
        if row["number"] == 0 and 0 < charge(row["cost"], row["outcome"]) < math.inf:
            base[row["run"], row["instance"], row["seed"]].append(charge(row["cost"], row["outcome"]))
    of = {
        (row["run"], row["number"]): row["candidate"] for row in trials if row["state"] in SCORED and row["candidate"]
    }
    logs: dict[Any, list[float]] = defaultdict(list)
    for row in measured:
        key = (row["run"], row["number"])
        if key in of and 0 < charge(row["cost"], row["outcome"]) < math.inf:
            for cost in base[row["run"], row["instance"], row["seed"]]:
                ratio = clipped(charge(row["cost"], row["outcome"]) / cost)
                logs[of[key], row["family"], *key].append(math.log(ratio))
    least: dict[Any, tuple[float, str]] = {}
    for (candidate, family, run, _), found in logs.items():
        place = (math.exp(math.fsum(found) / len(found)), run)
        least[candidate, family] = min(least.get((candidate, family), place), place)
    return {key: _stands(*place) for key, place in least.items()}


def _judge(connection: Connection, domains: dict[str, str], standing: Any, family_standing: Any) -> None:
    parts, pairs = _all(connection, schema.VerdictFamily), _all(connection, schema.VerdictMeasurement)
    for verdict in sorted(_all(connection, schema.Verdict), key=lambda row: row["id"]):
        candidate = verdict["candidate"]
        if verdict["against"] != Candidate(domain=domains[candidate]).id:
            continue
        on = {row["family"] for row in pairs if row["verdict"] == verdict["id"]}
        for part in sorted((row for row in parts if row["verdict"] == verdict["id"]), key=lambda row: row["id"]):
            figures = {name: part[name] for name in ("ratio", "low", "high")}
            row = {
                "rank": 1 - (part["outcome"] == "better"),
                **figures,
                "run": verdict["run"],
                "verdict": verdict["id"],
            }
            if part["family"] is not None:
                family_standing[candidate, part["family"]] = row
                continue
            standing[candidate] = row
            if len(on) == 1:
                family_standing[candidate, *on] = row
