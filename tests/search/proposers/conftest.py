"""A domain of two slots without a solver, an archive with its baseline, and a chat model on a scripted server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from numpy.random import Generator

from slotforge.core.types import Budget, Call, Candidate, Prompt, Request, Slot, Terms, Trial, TrialState
from slotforge.search.archive import Archive
from slotforge.search.budget import Ledger
from slotforge.search.proposers import Context, chat
from slotforge.search.proposers.dialogue import Dialogue

KEY = "sk-planted-0123456789abcdef"
PROMPT = Prompt(operator="fresh", messages=(("system", "You write code."), ("user", "Proposal 1.")))
REQUEST = Request(operator="mutate", parents=(Candidate(domain="toy"),), slots=("due",))


def code(body: str = "return true;", slot: str = "due") -> str:
    """Write an answer as a model would."""
    return f"An idea.\n\n```cpp\n// slot: {slot}\n{struct(body)}\n```\n"


def struct(body: str = "return true;") -> str:
    return f"struct Due {{\n    bool operator()(const View &) {{ {body} }}\n}};\n"


class Toy:
    """Slots, a description and variation: what proposers use of a domain."""

    name = "toy"
    terms = Terms()

    def slots(self) -> Mapping[str, Slot]:
        default = struct("return false;")
        return {
            name: Slot(
                name=name,
                summary="when",
                contract="asked once per conflict",
                signature="bool(const View &)",
                default=default,
                variants={"Due": default},
            )
            for name in ("due", "other")
        }

    def describe(self, families: Sequence[str]) -> str:  # noqa: ARG002
        return "A toy solver."

    def vary(self, request: Request, rng: Generator) -> Mapping[str, str]:
        return {slot: struct(f"return {rng.integers(1_000_000)} % 2;") for slot in request.slots}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """A planted key, an own home, and no address from outside."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))
    for name in ("OPENAI_BASE_URL", "SLOTFORGE_MODEL_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def archive() -> Archive:
    baseline = Trial(
        run="r",
        number=0,
        operator="baseline",
        slots=(),
        parents=(),
        state=TrialState.SCORED,
        candidate=Candidate(domain="toy"),
        ratio=1.0,
    )
    return Archive(slots=("due", "other"), baseline=baseline)


@pytest.fixture
def context() -> Context:
    return Context(domain=Toy(), ledger=Ledger(Budget()))


@pytest.fixture
def open_dialogue(archive: Archive) -> Callable[..., Dialogue]:
    def make(proposer, *, number=1, request=REQUEST, recorded=(), record: Callable[[Call], None] = lambda _: None):
        return Dialogue.open(
            proposer=proposer,
            request=request,
            domain=Toy(),
            archive=archive,
            number=number,
            seed=5,
            record=record,
            recorded=recorded,
        )

    return make


class Hours:
    """A clock that moves by what is slept; keeps the pauses."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, list[float]()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def chat_on():
    """Make a chat model on a server, with short patience; `hours` tells what it would have slept."""

    def make(
        url: str, *, budget: Budget | None = None, name="gpt-4o", hours: Hours | None = None, own=None, **settings
    ):
        context = Context(domain=Toy(), ledger=Ledger(budget or Budget()), base_url=url, **(own or {}))
        model = chat.proposer(f"openai:{name}", context, chat.Settings(**({"timeout_s": 5.0, "tries": 3} | settings)))
        server = context.server(url, 0)
        hours = hours or Hours()
        server.clock, server.sleep = hours.clock, hours.sleep
        return model

    return make
