"""`slotforge.optim` finds what is meant and makes an optimizer of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

import slotforge
from slotforge.core.errors import BuildError, SlotforgeError, UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.export import export

ADAM = builtin.named("adam")


def end(method: object) -> float:
    found = minimize(
        lambda x: float(x @ x), np.array([1.0]), jac=lambda x: 2 * x, method=method, options={"maxiter": 3}
    )
    return float(found.x[0])


@pytest.fixture
def references(tmp_path: Path) -> tuple[object, ...]:
    plain = tmp_path / "mine.py"
    plain.write_text(ADAM["step"])
    exported = export(ADAM, "torch", tmp_path / "exported.py", {})
    together = export(ADAM, "rule", tmp_path / "together.txt", {})
    return "adam", "step=adam", str(plain), plain, exported, together, Candidate(domain="optim", slots=ADAM)


def test_all_that_means_a_rule_is_understood(references: tuple[object, ...]) -> None:
    ends = {end(slotforge.optim.scipy(reference)) for reference in references}
    assert len(ends) == 1
    assert ends != {end(slotforge.optim.scipy("sgd"))}


def test_a_candidate_of_the_store_is_found_by_the_beginning_of_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    from slotforge.service.cli import _candidates

    known = Candidate(domain="optim", slots=ADAM)
    other = Candidate(domain="sat", slots={})
    monkeypatch.setattr(_candidates, "look_up", lambda ref, store: {"abcd": known, "dcba": other}[ref])  # noqa: ARG005
    assert slotforge.optim.resolve("abcd") == ADAM
    with pytest.raises(UsageError, match="of domain sat, it is no optimizer"):
        slotforge.optim.resolve("dcba")


def test_the_three_plug_ins_take_numbers_of_parts_by_name() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    pytest.importorskip("optax", reason="optax is not installed: pip install optax")
    combined = "restart=lookahead,step=heavy_ball,transform=momentum"
    p = torch.nn.Parameter(torch.ones(2))
    chosen = slotforge.optim.torch(combined)([p], lr=0.5)
    assert chosen.defaults["lr"] == 0.5
    assert {"decay", "transform_decay"} <= set(chosen.defaults)
    slotforge.optim.optax(combined)(lr=0.5, transform_decay=0.3)


def test_a_rate_must_not_be_negative_and_what_may_be_is_let_through(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    pytest.importorskip("optax", reason="optax is not installed: pip install optax")
    p = torch.nn.Parameter(torch.ones(2))
    exported = export(ADAM, "scipy", tmp_path / "exported.py", {}).read_text()
    assert "Part(*rule_step(), ('lr'," in exported
    for made in (
        lambda: slotforge.optim.torch("adam")([p], lr=-1.0),
        lambda: slotforge.optim.torch("adam")([{"params": [p], "lr": -1.0}]),
        lambda: slotforge.optim.optax("adam")(lr=-1.0),
        lambda: minimize(lambda x: x @ x, [1.0], method=slotforge.optim.scipy("adam"), options={"lr": -1.0}),
    ):
        with pytest.raises(UsageError, match=r"number 'lr' must not be negative, as -1.0 is"):
            made()
    signed = tmp_path / "signed.py"
    signed.write_text(builtin.default("step").replace('(0.01, 1e-5, 100.0, "log")', '(0.01, -1.0, 1.0, "linear")'))
    slotforge.optim.torch(signed)([p], lr=-0.5)


def test_a_schedule_of_a_number_is_sent_where_it_can_go() -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed: pip install optax")
    schedule = optax.linear_schedule(0.1, 0.0, 10)
    made = slotforge.optim.optax("adam")
    with pytest.raises(UsageError, match=r"number 'lr' is a schedule: write optax\.inject_hyperparams"):
        made(lr=schedule)
    state = optax.inject_hyperparams(made)(lr=schedule).init(np.zeros(2))
    assert float(state.hyperparams["lr"]) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nonsense", "names no rule"),
        ("step=nonsense", "no step rule called 'nonsense'"),
        ("gait=sgd", "no slot called 'gait'"),
        ("selection=comma", "there is no optimizer to make of it"),
    ],
)
def test_what_means_nothing_is_said(reference: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        slotforge.optim.scipy(reference)


def test_a_file_that_is_no_rule_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot be read: No such file"):
        slotforge.optim.scipy(tmp_path / "none.py")
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'made')!r}, 'w')\n" + ADAM["step"])
    with pytest.raises(BuildError, match="slot step"):
        slotforge.optim.scipy(tmp_path / "evil.py")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(("plug_in", "package"), [("torch", "torch"), ("optax", "optax"), ("optax", "jax")])
def test_a_host_that_is_not_installed_is_named(plug_in: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"slotforge.solvers.optim.adapters.{plug_in}", raising=False)
    with pytest.raises(SlotforgeError, match=f"^{package} is not installed: pip install"):
        getattr(slotforge.optim, plug_in)("adam")


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import slotforge, sys; slotforge.optim.resolve('adam');"
        "print([name for name in ('torch', 'jax', 'optax', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
