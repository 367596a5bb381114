"""MCTS-AHD: the bound that it selects by, widening, expansion, what goes up the tree, and thoughts that are aligned."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.ids import generator
from slotforge.core.types import Request, Trial
from slotforge.search.strategies._tree import Node, Tree
from slotforge.search.strategies.mcts_ahd import MctsAhd

from .hand_made import archive, candidate, lead, parents, tell, trial

EXPANSION = Counter({"mcts_e2": 1, "mcts_m1": 2, "mcts_m2": 2})


def planted(*ratios: float) -> Tree:
    tree = Tree()
    for number, ratio in enumerate(ratios):
        tree.plant(trial(number, ratio))
    return tree


def grow(tree: Tree, node: Node, number: int, ratio: float | None) -> None:
    tree.begin(node)
    tree.end(node, trial(number, ratio) if ratio is not None else None)


def test_a_node_is_worth_the_best_below_it_and_visits_count_all_the_way_up() -> None:
    tree = planted(1.0, 0.9)
    first, second = tree.root.children
    grow(tree, second, 5, 0.5)
    grow(tree, second.children[0], 6, 0.7)
    assert second.value == pytest.approx(-math.log(0.5))
    assert second.children[0].value == pytest.approx(-math.log(0.5))
    assert (first.visits, second.visits, second.children[0].visits, tree.root.visits) == (1, 3, 2, 4)
    assert [t.number for t in second.members] == [1, 5, 6]
    assert second.children[0].children[0].depth == 3


def test_a_child_that_came_to_nothing_counts_as_a_visit_and_hangs_nowhere() -> None:
    tree = planted(1.0)
    (node,) = tree.root.children
    grow(tree, node, 5, None)
    assert (node.visits, node.children, node.value) == (2, [], 0.0)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=6), st.floats(0.01, 1000))
def test_the_choice_does_not_depend_on_the_scale_of_costs(ratios: list[float], factor: float) -> None:
    rounded = [round(ratio, 2) + 0.01 for ratio in ratios]
    plain, scaled = planted(*rounded), planted(*[ratio * factor for ratio in rounded])
    chosen = [tree.root.children.index(tree.best_child(tree.root, 0.1)) for tree in (plain, scaled)]
    assert rounded[chosen[0]] == pytest.approx(rounded[chosen[1]])
    assert rounded[chosen[0]] == min(rounded)


def test_the_bound_is_that_of_the_paper() -> None:
    tree = planted(1.0, 0.5, 0.25)
    for number in range(10, 16):
        grow(tree, tree.root.children[2], number, None)
    worth = {0: 0.0, 1: 0.5, 2: 1.0}
    visits = {0: 1, 1: 1, 2: 7}
    for weight in (0.0, 0.1, 0.3, 1.0, 5.0):
        bounds = {c: worth[c] + weight * math.sqrt(math.log(9 + 1) / visits[c]) for c in worth}
        best = max(bounds, key=lambda c: bounds[c])
        assert tree.best_child(tree.root, weight) is tree.root.children[best]


def test_where_all_cost_the_same_the_one_tried_least_is_taken() -> None:
    tree = planted(1.0, 1.0)
    grow(tree, tree.root.children[0], 5, None)
    assert tree.best_child(tree.root, 0.1) is tree.root.children[1]


def test_what_is_being_written_counts_so_that_selections_at_once_part() -> None:
    tree = planted(1.0, 1.0)
    tree.begin(tree.root.children[0])
    assert tree.best_child(tree.root, 0.1) is tree.root.children[1]


def test_it_begins_with_the_seeds_and_fills_up_by_e1() -> None:
    known = archive(trial(-1, 0.9, candidate(alpha="a")), horizon=100)
    asked = lead(MctsAhd(initial=4), known, lambda n, _: 1 + n / 100, 3)
    assert [request.operator for request in asked[:2]] == ["mcts_e1", "mcts_e1"]
    assert parents(asked[:2]) == [["a", ""], ["a", "", "code 1"]]
    assert asked[2].operator != "mcts_e1"


def test_a_leaf_is_expanded_by_e2_m1_m2_and_by_s1_where_there_is_a_way_to_look_back_on() -> None:
    known = archive(trial(-1, 0.9, candidate(alpha="a")), horizon=1000)
    strategy = MctsAhd(initial=2, widening=0.0)
    asked = lead(strategy, known, lambda n, _: 0.8 - n / 1000, 13)
    assert Counter(request.operator for request in asked[:5]) == EXPANSION
    assert {pair[0] for pair in parents(asked[:5])} == {"a"}
    later = asked[5:]
    assert Counter(request.operator for request in later[:6]) == EXPANSION + Counter(["mcts_s1"])
    (synthesis,) = [request for request in later[:6] if request.operator == "mcts_s1"]
    line = parents([synthesis])[0]
    assert line[-1] == "a"
    assert len(line) == 2


def test_e2_refers_to_another_of_the_best_and_gives_way_to_m1_where_there_is_none() -> None:
    known = archive(horizon=100)
    alone = lead(MctsAhd(initial=1), known, lambda *_: None, 6)
    assert Counter(request.operator for request in alone) == Counter({"mcts_e1": 1, "mcts_m1": 3, "mcts_m2": 2})
    known = archive(trial(-1, 0.9, candidate(alpha="a")), horizon=100)
    asked = lead(MctsAhd(initial=2), known, lambda *_: None, 40)
    pairs = [pair for request, pair in zip(asked, parents(asked), strict=True) if request.operator == "mcts_e2"]
    assert pairs
    assert all(len(set(pair)) == 2 for pair in pairs)


def test_widening_asks_for_one_more_child_once_there_are_few_for_the_visits() -> None:
    known = archive(horizon=10_000)
    strategy = MctsAhd(initial=1, widening=0.5)
    asked = lead(strategy, known, lambda n, _: 1 + n / 1000, 60)
    at_root = [request for request in asked if request.operator == "mcts_e1"]
    assert at_root
    assert len(strategy._tree.root.children) == 1 + len(at_root)
    assert len(strategy._tree.root.children) <= math.isqrt(60) + 2


def test_exploration_decays_to_nothing_at_the_end_of_the_budget() -> None:
    weights = []

    class Watching(Tree):
        def best_child(self, node: Node, weight: float) -> Node:
            weights.append(weight)
            return super().best_child(node, weight)

    strategy = MctsAhd(initial=1, exploration=0.2)
    strategy._tree = Watching()
    lead(strategy, archive(horizon=50), lambda *_: None, 60)
    assert weights[0] == pytest.approx(0.2)
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == 0


def test_no_node_deeper_than_the_bound_is_expanded() -> None:
    known = archive(horizon=1000)
    strategy = MctsAhd(initial=1, depth=2, exploration=0.0)
    lead(strategy, known, lambda n, _: 0.99**n, 80)
    depths = []

    def walk(node: Node) -> None:
        depths.append(node.depth)
        for child in node.children:
            walk(child)

    walk(strategy._tree.root)
    assert max(depths) == 3
    assert all(one.parent is None or one in one.parent.children for one in strategy._tree.root.children)


def test_a_child_is_raced_against_the_node_whose_child_it_becomes() -> None:
    known = archive(trial(-1, 0.9, candidate(alpha="a")), trial(-2, 1.5, candidate(alpha="b")), horizon=100)
    strategy = MctsAhd(initial=3)
    for number in range(1, 40):
        request = strategy.ask(known, generator(number))
        raced = known.incumbent.candidate
        if request.operator in ("mcts_m1", "mcts_m2", "mcts_e2"):
            assert raced == request.parents[0]
        tell(strategy, known, number, request, 0.9 + number / 1000)


def test_descriptions_of_the_code_are_told_and_ideas_where_there_is_none() -> None:
    def answer(number: int, _: Request) -> dict[str, object]:
        said = {"align": "It  counts\nconflicts."} if number % 2 else {"idea": "Count more."}
        return {"ratio": 0.9 - number / 1000, "said": said}

    asked = lead(MctsAhd(initial=1), archive(horizon=100), answer, 30)
    told = "\n".join(request.told["thoughts"] for request in asked)
    assert "It counts conflicts." in told
    assert "Count more." in told
    assert asked[0].told["thoughts"] == ""


def test_several_under_way_at_once_hang_below_the_nodes_that_they_were_asked_for() -> None:
    strategy, known = MctsAhd(initial=2), archive(horizon=200)
    made: dict[str, str] = {}

    def answer(number: int, request: Request) -> float:
        made[f"code {number}"] = request.parents[0].slots.get("alpha", "")
        return 0.9 - number / 1000

    lead(strategy, known, answer, 60, window=8)

    def check(node: Node) -> None:
        for child in node.children:
            if node.trial is not None:
                assert _code(node.trial) in (made[_code(child.trial)], *_line(child))
            check(child)

    check(strategy._tree.root)
    assert strategy._tree.root.pending == 0


def _code(one: Trial | None) -> str:
    assert one is not None
    assert one.candidate is not None
    return one.candidate.slots.get("alpha", "")


def _line(node: Node) -> list[str]:
    return [_code(one) for one in node.path]
