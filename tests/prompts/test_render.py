"""Prompts: what they tell, in which order, and what cannot happen to them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slotforge.prompts.render as module
from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate, Outcome, Terms, TrialState
from slotforge.prompts.context import gather
from slotforge.prompts.render import after, answer, fence, operators, prepare, quote, render

from .conftest import DECAY, DUE, LUBY

STAGES = {
    "repair": {"error": "line 3: expected ';'"},
    "advise": {},
    "review": {"proposal": {"restart_due": LUBY}},
    "align": {"proposal": {"restart_due": LUBY}},
    "again": {"review": "VERDICT: no modification"},
}


@pytest.fixture
def context(slots, request_for, trial):
    baseline = trial(0, Candidate(domain="sat"), (100.0, 100.0, 100.0, 100.0))
    found = Candidate(domain="sat", slots={"restart_due": LUBY, "decay": "// Mine.\nstruct Mine {};"})
    parent = trial(7, found, (50.0, 200.0, 25.0, 100.0), ratio=0.707)
    failed = trial(8, found, (), state=TrialState.FAILED, reason="line 2: `x` was not declared", ratio=None)

    def make(operator="mutate", number=12, names=("restart_due",), parents=1):
        return gather(
            request_for(*names, operator=operator, parents=(found,) * parents),
            describe="The solver is a CDCL solver. View has `conflicts`.",
            terms=Terms(),
            slots=slots,
            number=number,
            baseline=baseline,
            parents=(parent,) * parents,
            failed=(failed,),
        )

    return make


def test_a_prompt_tells_the_contract_the_parent_its_results_and_the_last_errors(context, request_for):
    prompt = render(request_for(), context())
    system, user = (text for _, text in prompt.messages)
    for fact in ("View has `conflicts`", "contract of restart_due", "bool(const View &)", DUE, "// slot: NAME"):
        assert fact in system
    for fact in (LUBY, "(built-in Luby)", "0.707", "`langford` 1.414", "`miter` 0.354", "- decay: proposed, `Mine.`"):
        assert fact in user
    assert "Gains most on: `miter` of cost 1e+02 (0.250), `miter` of cost 1e+02 (0.500)." in user
    assert "Loses most on: `langford` of cost 1e+02 (2.000)." in user
    assert "conflicts 0.94, restarts" not in user
    assert "conflicts 0.94." in user
    assert "failed: `line 2: 'x' was not declared`" in user


def test_a_run_that_was_cut_counts_twice_its_limit_and_no_ratio_is_out_of_bounds(slots, request_for, trial):
    base = Candidate(domain="sat")
    found = Candidate(domain="sat", slots={"restart_due": LUBY})
    runs = trial(7, found, (100.0, 1.0, 1e6)).measurements
    cut = trial(7, found, (), measurements=(runs[0].model_copy(update={"outcome": Outcome.LIMIT}), *runs[1:]))
    baseline = trial(0, base, (100.0, 1e6, 1.0))
    told = gather(
        request_for(parents=(found,)),
        describe="",
        terms=Terms(),
        slots=slots,
        number=8,
        baseline=baseline,
        parents=(cut,),
    ).parents[0]
    assert [pair.ratio for pair in told.lost] == [8.0, 2.0]
    assert [pair.ratio for pair in told.won] == [0.125]


def test_a_counter_that_a_run_lacks_is_neither_zero_nor_missed_unseen(slots, request_for, trial):
    def counted(number, candidate, *stats):
        runs = trial(number, candidate, (100.0,) * len(stats)).measurements
        told = tuple(run.model_copy(update={"stats": dict(one)}) for run, one in zip(runs, stats, strict=True))
        return trial(number, candidate, (), measurements=told)

    found = Candidate(domain="sat", slots={"restart_due": LUBY})
    baseline = counted(0, Candidate(domain="sat"), {"first": 10, "goal": 50}, {"first": 30, "goal": 70}, {"first": 20})
    parent = counted(7, found, {"first": 20, "goal": 25}, {"first": 60}, {"first": 40})
    request = request_for(parents=(found,))
    context = gather(request, describe="", terms=Terms(), slots=slots, number=8, baseline=baseline, parents=(parent,))
    assert dict(context.parents[0].counters) == {"first": 2.0, "goal": 0.5}
    means = [profile.means for profile in context.profiles]
    assert means == [{"cost": 100.0, "first": 30.0, "goal": 70.0}, {"cost": 100.0, "first": 15.0, "goal": 50.0}]
    system, user = (text for _, text in render(request, context).messages)
    assert "`miter`, 2 instances: cost 100, first 15, goal 50 (on 1 of them)." in system
    assert "Counters that it lacks, because it did not get so far, and on how many of its instances: goal 1." in user


def test_instances_are_told_by_their_size_and_failures_by_the_slots_at_fault(slots, request_for, trial):
    found = Candidate(domain="sat", slots={"restart_due": LUBY, "decay": DECAY})
    parent = trial(7, found, (50.0, 200.0))
    reasons = ("restart_due: line 2: no", "decay: line 3: no", "decay: line 1: no; restart_due: line 4: no", "crashed")
    failed = [trial(8, found, (), state=TrialState.FAILED, reason=reason, ratio=None) for reason in reasons]
    request = request_for("restart_due", parents=(found,))
    context = gather(
        request,
        describe="",
        terms=Terms(),
        slots=slots,
        number=8,
        baseline=trial(0, Candidate(domain="sat"), (100.0, 100.0)),
        parents=(parent,),
        failed=failed,
        sizes={"instance0": "12 variables, 30 clauses"},
    )
    user = render(request, context).messages[-1][1]
    assert "Gains most on: `miter` (12 variables, 30 clauses) of cost 1e+02 (0.500)." in user
    assert "Loses most on: `langford` of cost 1e+02 (2.000)." in user
    assert [failure.reason for failure in context.failures] == [reasons[0], reasons[2], reasons[3]]


def test_only_the_slots_of_the_request_are_described(context, request_for):
    one = render(request_for(), context()).messages[0][1]
    both = render(request_for("restart_due", "decay"), context(names=("restart_due", "decay"))).messages
    assert "contract of decay" not in one
    assert "contract of decay" in both[0][1]
    assert "`restart_due` and `decay`" in both[1][1]


def test_what_is_the_same_for_all_proposals_comes_first_and_the_number_last(context, request_for):
    first, second = (render(request_for(), context(number=n)) for n in (12, 13))
    assert first.messages[0] == second.messages[0]
    assert first.id != second.id
    assert first.messages[1][1].endswith("Proposal 12.")
    assert first.messages[1][1].removesuffix("12.") == second.messages[1][1].removesuffix("13.")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("describe", "Another solver."),
        ("terms", Terms(reference="the other solver")),
        ("answers", "json"),
        ("profiles", ()),
    ],
)
def test_what_is_the_same_is_written_once_and_anew_as_soon_as_it_is_another(context, request_for, field, value):
    known = render(request_for(), context())
    assert render(request_for(), context(number=13)).messages[0][1] is known.messages[0][1]
    other = render(request_for(), replace(context(number=14), **{field: value})).messages[0][1]
    told = render(request_for().model_copy(update={"told": {"numbers": "by a tuner"}}), context()).messages[0][1]
    assert len({known.messages[0][1], other, told}) == 3
    assert "by a tuner" in told
    assert render(request_for(), context(number=15)).messages[0] == known.messages[0]


def test_prompts_about_different_slots_are_the_same_up_to_the_slots(context, request_for):
    one = render(request_for(), context()).messages[0][1]
    other = render(request_for("decay"), context(names=("decay",))).messages[0][1]
    assert one.partition("# Slots\n")[0] == other.partition("# Slots\n")[0]
    assert one != other


@pytest.mark.parametrize("operator", sorted(operators()))
def test_every_operator_has_a_description_and_renders(context, request_for, operator):
    assert operators()[operator]
    request = request_for(operator=operator, parents=(Candidate(domain="sat"),) * 2)
    prompt = render(request, context(operator=operator, parents=2))
    assert prompt.operator == operator
    assert prompt.messages[-1][1].endswith("Proposal 12.")


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_every_stage_renders_with_its_facts_and_refuses_to_render_without(context, request_for, stage):
    prompt = render(request_for(), context(), stage=stage, **STAGES[stage])
    assert all(text in prompt.messages[-1][1] for text in STAGES[stage].values() if isinstance(text, str))
    if STAGES[stage]:
        with pytest.raises(Exception, match="ndefined"):
            render(request_for(), context(), stage=stage)


@pytest.mark.parametrize("operator", sorted(operators()))
def test_parts_read_where_they_stand_as_they_do_where_they_are_included(context, request_for, operator, monkeypatch):
    request, told = request_for(operator=operator), context(operator=operator, parents=2)
    in_place = render(request, told)
    monkeypatch.setattr(module, "_environment", module._environment.__wrapped__)
    monkeypatch.setattr(module, "_INCLUDE", re.compile("(?!)"))
    assert render(request, told) == in_place


def test_a_prompt_is_the_same_however_long_the_measurements_took(slots, request_for, trial):
    """Otherwise a resumed or replayed run would ask other questions than the first one did."""

    def prompt(seconds: float):
        found = Candidate(domain="sat", slots={"restart_due": LUBY})
        request = request_for(parents=(found,))
        baseline = trial(0, Candidate(domain="sat"), (100.0, 100.0), seconds=1.0)
        parent = trial(7, found, (50.0, 200.0), seconds=seconds)
        context = gather(
            request, describe="", terms=Terms(), slots=slots, number=9, baseline=baseline, parents=(parent,)
        )
        return render(request, context)

    assert prompt(0.5) == prompt(3.7)


def test_templates_are_compiled_ahead_and_an_unknown_one_is_found_before_the_first_question():
    prepare(operators())
    with pytest.raises(UsageError, match="no prompt for operator 'guess': choose one of"):
        prepare(["mutate", "guess"])


def test_an_unknown_operator_and_a_missing_parent_are_usage_errors(context, request_for):
    with pytest.raises(UsageError, match=r"no prompt for operator 'magic'.*mutate"):
        render(request_for(operator="magic"), context())
    with pytest.raises(UsageError, match="no prompt for operator 'repair'"):
        render(request_for(operator="repair"), context())
    with pytest.raises(UsageError, match="'crossover' needs 2 parents, and 1"):
        render(request_for(operator="crossover"), context())


def test_a_parent_that_was_not_measured_says_so(slots, request_for, trial):
    baseline = trial(0, Candidate(domain="sat"), (1.0,))
    request = request_for(parents=(Candidate(domain="sat", slots={"decay": "struct Mine {};"}),))
    context = gather(request, describe="", terms=Terms(), slots=slots, number=1, baseline=baseline)
    assert "Not measured yet." in render(request, context).messages[1][1]
    assert context.parents[0].origins == {"restart_due": "default"}


def test_the_unchanged_solver_is_not_measured_against_itself(slots, request_for, trial):
    baseline = trial(0, Candidate(domain="sat"), (100.0, 300.0))
    prompt = render(
        request_for(), gather(request_for(), describe="", terms=Terms(), slots=slots, number=1, baseline=baseline)
    )
    assert "This is the unchanged solver." in prompt.messages[1][1]
    assert not any(word in prompt.messages[1][1] for word in ("Measured on", "Counters", "By family"))


def test_the_instances_are_told_by_what_the_unchanged_solver_does_on_them(context, request_for):
    system = render(request_for(), context()).messages[0][1]
    assert "- `langford`, 2 instances: cost 100, conflicts 1,000, restarts 0." in system
    assert "- `miter`, 2 instances" in system
    assert "solve_cpu_s" not in system


def test_what_was_measured_before_in_the_same_slots_is_told_by_its_comment(slots, request_for, trial):
    def tried(number: int, slot: str, source: str, **fields):
        return trial(number, Candidate(domain="sat", slots={slot: source}), (80.0,), **fields)

    baseline = trial(0, Candidate(domain="sat"), (100.0,))
    earlier = [
        baseline,
        tried(1, "restart_due", "// By the trail,\n// as `Glucose`.\nstruct A {\n    // not told\n};\n", ratio=0.8),
        tried(2, "decay", "// Another slot.\nstruct B {};\n", ratio=0.7),
        tried(3, "restart_due", "struct C {};\n", ratio=1.5, state=TrialState.RACED_OUT),
        tried(4, "restart_due", "// Refused.\nstruct D {};\n", ratio=None, state=TrialState.REJECTED),
    ]
    request = request_for()
    context = gather(request, describe="", terms=Terms(), slots=slots, number=9, baseline=baseline, tried=earlier)
    user = render(request, context).messages[1][1]
    assert "- `restart_due`: cost 0.800 times that of the unchanged solver: `By the trail, as 'Glucose'.`" in user
    assert "- `restart_due`: cost 1.500 times that of the unchanged solver: `no comment says what it does`" in user
    assert not any(text in user for text in ("not told", "Another slot", "Refused"))


def test_a_repair_goes_on_from_the_answer_that_failed(context, request_for):
    asked = render(request_for(), context())
    repair = render(request_for(), context(), stage="repair", history=after(asked, "my code"), error="it loops")
    assert [role for role, _ in repair.messages] == ["system", "user", "assistant", "user"]
    assert repair.messages[:2] == asked.messages
    assert repair.messages[2][1] == "my code"
    assert "it loops" in repair.messages[3][1]
    assert len(after(asked, "x" * 10_000_000)[-1][1]) < 100_000
    assert after(asked, "")[-1][1]


@settings(deadline=None)
@given(text=st.text(alphabet="`~ab\n{%#}", max_size=60))
def test_a_text_cannot_leave_its_fence(text):
    ticks, *body, end = fence(text).split("\n")
    assert end == ticks.removesuffix("text")
    assert not any(line.strip().startswith(end) for line in body)


@settings(deadline=None)
@given(text=st.text(max_size=400))
def test_a_quoted_text_is_one_line_that_it_cannot_leave(text):
    line = quote(text)
    assert len(line.splitlines()) == 1
    assert "`" not in line[1:-1]
    assert len(line) <= 302


def test_template_code_in_what_a_model_wrote_is_not_run(context, request_for):
    prompt = render(request_for(), context(), stage="repair", error="{{ describe.__class__ }} {% include '_end.md' %}")
    assert "{{ describe.__class__ }} {% include '_end.md' %}" in prompt.messages[-1][1]


def test_an_answer_has_the_form_that_the_prompt_asks_for():
    text = answer({"restart_due": LUBY, "decay": "struct D {};"}, idea="Because.")
    assert text.startswith(f"Because.\n\n```cpp\n// slot: restart_due\n{LUBY}```\n\n```cpp\n// slot: decay\n")


def test_an_attempt_in_python_is_told_by_its_docstring(slots, request_for, trial):
    baseline = trial(0, Candidate(domain="sat"), (100.0, 300.0))
    rule = '"""Signs of\nthe gradient."""\n\n\ndef update():\n    return 1\n'
    tried = [trial(3, Candidate(domain="sat", slots={"restart_due": rule}), (80.0, 240.0), ratio=0.8)]
    context = gather(request_for(), describe="", terms=Terms(), slots=slots, number=9, baseline=baseline, tried=tried)
    assert [one.rule for one in context.attempts] == ["Signs of the gradient."]
