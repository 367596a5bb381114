"""The ledger: no limit of a budget is passed, whatever is under way at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import BudgetExhausted, StoreError
from slotforge.core.types import Budget, Spending
from slotforge.search.budget import DUST, Ledger


@dataclass
class Spent:
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


calls = st.lists(
    st.tuples(st.integers(0, 50), st.floats(0, 1), st.floats(0, 1, allow_nan=False), st.integers(0, 3)), max_size=40
)


@settings(deadline=None)
@given(calls=calls, tokens=st.integers(0, 400), usd=st.floats(0, 4))
def test_eight_calls_at_once_never_pass_a_limit(calls, tokens, usd):
    """Each call reserves (tokens, usd), spends a share of it, and takes some turns of the loop."""
    ledger = Ledger(Budget(tokens=tokens, usd=usd))
    queue = list(calls)
    refused = []

    async def caller() -> None:
        while queue:
            need, price, share, turns = queue.pop()
            try:
                async with ledger.reserve(tokens=need, usd=price) as bill:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                        assert ledger.tokens <= tokens
                    bill.settle(tokens=int(need * share), usd=price * share)
            except BudgetExhausted:
                refused.append((need, price, ledger.tokens, ledger.usd))
            assert ledger.tokens <= tokens
            assert ledger.usd <= usd + 2 * DUST

    async def run() -> None:
        await asyncio.wait_for(asyncio.gather(*(caller() for _ in range(8))), timeout=120)

    asyncio.run(run())
    assert all(spent + need > tokens or paid + price > usd for need, price, spent, paid in refused)


def test_a_call_waits_for_those_under_way_rather_than_giving_up():
    ledger = Ledger(Budget(tokens=100))
    order = []

    async def call(name: str, spend: int) -> None:
        async with ledger.reserve(tokens=80, usd=0) as bill:
            order.append(name)
            await asyncio.sleep(0)
            bill.settle(tokens=spend)

    async def run() -> list[object]:
        return await asyncio.gather(call("a", 10), call("b", 30), call("c", 0), return_exceptions=True)

    assert [type(r) for r in asyncio.run(run())] == [type(None), type(None), BudgetExhausted]
    assert order == ["a", "b"]
    assert ledger.tokens == 40


def test_a_call_that_was_refused_gives_its_reservation_back():
    ledger = Ledger(Budget(tokens=100, usd=1))

    async def run() -> None:
        for _ in range(3):
            async with ledger.reserve(tokens=100, usd=1) as bill:
                bill.settle()
        async with ledger.reserve(tokens=100, usd=1) as bill:
            bill.settle(tokens=100)

    asyncio.run(run())
    assert ledger.tokens == 100


def test_a_call_without_an_answer_counts_as_the_most_that_it_may_have_cost():
    ledger = Ledger(Budget(tokens=100, usd=1))
    kept: list[Spending] = []
    ledger.keep = kept.append

    async def run() -> None:
        with pytest.raises(OSError, match="silent"):
            async with ledger.reserve(tokens=60, usd=0.5):
                raise OSError("silent")
        with pytest.raises(BudgetExhausted):
            async with ledger.reserve(tokens=60, usd=0.1):
                pass
        async with ledger.reserve(tokens=40, usd=0.5):
            assert (kept[-1].tokens, kept[-1].usd) == (100, 1.0)  # what is under way is kept before it is asked

    asyncio.run(run())
    assert (ledger.tokens, ledger.usd) == (100, 1.0)


def test_time_counts_over_all_stretches_of_a_run():
    now = [50.0]
    ledger = Ledger(Budget(time_s=10), spent=Spent(seconds=7), clock=lambda: now[0])
    assert (ledger.may_start(1), ledger.time_left()) == (True, 3)
    now[0] = 53.0
    assert (ledger.may_start(1), ledger.time_left()) == (False, 0)


def test_accounts_are_kept_while_a_block_lasts_and_when_it_ends():
    kept: list[float] = []
    now = [0.0]
    ledger = Ledger(Budget(), clock=lambda: now[0])

    async def run() -> None:
        async with ledger.kept(lambda spending: kept.append(spending.seconds), every_s=0.01):
            now[0] = 1.0
            await asyncio.sleep(0.1)
            now[0] = 2.0

    asyncio.run(run())
    assert kept[-1] == 2.0
    assert kept.count(1.0) > 1


def test_a_moment_in_which_accounts_cannot_be_kept_costs_nothing():
    kept: list[float] = []

    def busy_at_times(spending: Spending) -> None:
        if len(kept) == 1:
            kept.append(-1.0)
            raise StoreError("the database is locked")
        kept.append(spending.seconds)

    async def run() -> str:
        async with Ledger(Budget()).kept(busy_at_times, every_s=0.01):
            await asyncio.sleep(0.1)
            return "the report"

    assert asyncio.run(run()) == "the report"
    assert len(kept) > 3


def test_accounts_that_cannot_be_kept_end_the_block_with_the_reason():
    def full(_: Spending) -> None:
        raise OSError("disk full")

    async def run() -> None:
        async with Ledger(Budget()).kept(full, every_s=0.01):
            await asyncio.sleep(0.05)

    with pytest.raises(OSError, match="disk full"):
        asyncio.run(run())


def test_what_was_spent_before_counts():
    ledger = Ledger(Budget(tokens=100, usd=1), spent=Spent(tokens=90, usd=0.5))

    async def run(tokens: int, usd: float) -> None:
        async with ledger.reserve(tokens=tokens, usd=usd) as bill:
            bill.settle()

    asyncio.run(run(10, 0.5))
    with pytest.raises(BudgetExhausted, match=r"90 of 100 tokens are spent.*raise --tokens"):
        asyncio.run(run(11, 0))
    with pytest.raises(BudgetExhausted, match=r"0\.5000 of 1 USD are spent.*raise --usd"):
        asyncio.run(run(0, 0.6))


def test_trials_start_while_there_are_evaluations_and_time_for_some_need_neither_tokens_nor_dollars():
    now = [0.0]
    assert Ledger(Budget()).may_start(10**6)
    evals = Ledger(Budget(evals=3))
    assert [evals.may_start(n) for n in (1, 3, 4)] == [True, True, False]
    assert Ledger(Budget(tokens=5), spent=Spent(tokens=5)).may_start(1)
    assert Ledger(Budget(usd=5), spent=Spent(usd=5)).may_start(1)
    timed = Ledger(Budget(time_s=10), clock=lambda: now[0])
    assert timed.may_start(1)
    assert timed.time_left() == 10
    now[0] = 10.0
    assert not timed.may_start(1)

    async def late() -> None:
        async with timed.reserve(tokens=0, usd=0):
            pass

    with pytest.raises(BudgetExhausted, match="the time of 10 s is over"):
        asyncio.run(late())
