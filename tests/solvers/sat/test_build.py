"""From source to a shared object and to a solver, through the real compiler in the sandbox."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slotforge.core.errors import BuildError
from slotforge.solvers.sat import build, elf
from slotforge.solvers.sat.build import Builder, engine
from slotforge.solvers.sat.compiler import compiler
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import with_params

SOURCE = """\
// Restarts by a margin, counted in threes.
struct Thirds {
    SLOT_PARAM(margin, 1.10, 1.00, 1.30);

    bool operator()(const View &view) {
        count_ = (count_ + 1) % 3;
        return count_ == 0 && view.glue.fast > margin * view.glue.slow;
    }

  private:
    std::uint64_t count_ = 0;
};
"""


def calling(body: str, members: str = "") -> str:
    return f"struct Mine {{\n{members}\nbool operator()(const View &view) {{\n{body}\n}}\n}};\n"


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(tmp_path_factory.mktemp("builds"))


@pytest.fixture(scope="module")
def formula(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pigeons: 8 in 7 holes, some thousand conflicts."""
    holes, pigeons = range(7), range(8)
    clauses = [[p * 7 + h + 1 for h in holes] for p in pigeons]
    clauses += [[-(p * 7 + h + 1), -(q * 7 + h + 1)] for h in holes for p in pigeons for q in range(p)]
    path = tmp_path_factory.mktemp("formulas") / "pigeons.cnf"
    lines = [f"p cnf 56 {len(clauses)}", *(" ".join(map(str, [*clause, 0])) for clause in clauses)]
    path.write_text("\n".join(lines) + "\n")
    return path


def solve(program: Path, arguments: list[str], formula: Path) -> dict[str, object]:
    done = subprocess.run([program, formula, "--json", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 20, done.stderr
    facts: dict[str, object] = json.loads(done.stdout)
    return {key: facts[key] for key in ("answer", "conflicts", "decisions", "propagations", "ticks", "restarts")}


def test_policies_that_differ_in_numbers_share_one_shared_object(builder: Builder) -> None:
    path = builder.plugin("restart_due", SOURCE)
    made = path.stat().st_mtime_ns
    assert builder.plugin("restart_due", with_params(SOURCE, {"margin": 1.25})) == path
    assert path.stat().st_mtime_ns == made
    assert builder.plugin("restart_due", SOURCE.replace("% 3", "% 4")) != path


def test_a_build_that_fails_carries_all_that_the_compiler_said_without_folders(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "builds")
    with pytest.raises(BuildError, match="restart_due: line 5: no matching function for call") as raised:
        builder.plugin("restart_due", calling("int idle = 1;\nreturn std::max(1, 2.0) > view.glue.fast;"))
    said = raised.value.log["restart_due"]
    assert "candidate:4:5: warning: unused variable 'idle'" in said
    assert "candidate:5:16: error: no matching function for call to 'max(int, double)'" in said
    assert "stl_algobase.h" in said
    assert "/usr" not in said
    assert str(tmp_path) not in said
    assert list(builder.cache.iterdir()) == []
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.log) == (str(raised.value), raised.value.log)


def test_what_the_compiler_said_is_the_same_of_a_build_that_is_in_the_cache(tmp_path: Path) -> None:
    source = calling("int idle = 1;\nreturn view.glue.fast > 1;")
    first = Builder(tmp_path / "builds").log("restart_due", source)
    assert "candidate:4:5: warning: unused variable 'idle'" in first
    assert str(tmp_path) not in first
    builder = Builder(tmp_path / "builds")
    made = builder.plugin("restart_due", source).stat().st_mtime_ns
    assert builder.log("restart_due", source) == first
    assert builder.plugin("restart_due", source).stat().st_mtime_ns == made
    assert builder.log("restart_due", SOURCE) == ""


def test_what_the_compiler_said_has_the_lines_of_the_policy_that_is_asked_for(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "builds")
    source = calling("int idle = 1;\nreturn view.glue.fast > 1;")
    moved = source.replace("struct", "// The same.\n\nstruct").replace("int idle = 1;", "int  idle = 1;  // idle")
    assert "candidate:4:5: warning: unused variable 'idle'" in builder.log("restart_due", source)
    assert "candidate:6:6: warning: unused variable 'idle'" in builder.log("restart_due", moved)
    assert builder.code("restart_due", moved) == builder.code("restart_due", source)


def test_a_warning_decides_nothing_even_where_the_users_compiler_makes_errors_of_warnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", f"{shutil.which('g++')} -Werror")
    builder = Builder(tmp_path / "builds")
    builder.compiler = compiler.__wrapped__()
    assert "-Werror" in builder.plugin_flags
    assert "warning: unused variable 'idle'" in builder.log("restart_due", calling("int idle = 1;\nreturn true;"))
    with pytest.raises(BuildError, match="-Werror=uninitialized"):
        builder.plugin("restart_due", calling("int idle;\nreturn idle > 1;"))


def test_a_long_log_is_cut_at_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LONGEST", 200)
    said = Builder(tmp_path / "builds").log("restart_due", calling("int idle = 1;\nint other = 2; return true;"))
    *kept, last = said.splitlines()
    assert len("\n".join(kept)) <= 200
    assert re.fullmatch(r"\.\.\. \d+ more characters", last)


def test_the_numbers_are_set_when_the_policy_is_loaded(builder: Builder, formula: Path) -> None:
    low, high = (with_params(SOURCE, {"margin": value}) for value in (1.0, 1.3))
    runs = [solve(engine(), builder.engine_arguments({"restart_due": source}), formula) for source in (low, high, low)]
    assert runs[0] == runs[2]
    assert runs[0] != runs[1]


def test_a_variant_that_ships_is_named_and_not_compiled(tmp_path: Path, formula: Path) -> None:
    builder = Builder(tmp_path / "none")
    tuned = with_params(slots()["restart_due"].variants["Luby"], {"unit": 64})
    arguments = builder.engine_arguments({"restart_due": tuned})
    assert arguments == ["--slot", "restart_due=Luby", "--param", "restart_due.unit=64"]
    assert not builder.cache.exists()
    assert solve(engine(), arguments, formula)["answer"] == "unsat"


def test_a_compiled_variant_does_what_the_built_in_one_does(builder: Builder, formula: Path) -> None:
    for slot, variant in [("restart_due", "Glucose"), ("score_clauses", "DynamicTiers"), ("bump_variables", "Chb"),
                          ("rephase_action", "Bandit"), ("switch_mode", "StableFirst")]:  # fmt: skip
        source = slots()[slot].variants[variant]
        loaded = ["--slot", f"{slot}={builder.plugin(slot, source)}", *builder.parameter_arguments({slot: source})]
        assert solve(engine(), loaded, formula) == solve(engine(), ["--slot", f"{slot}={variant}"], formula), variant


def test_a_fused_solver_takes_the_same_decisions_as_the_engine_with_plugins(builder: Builder, formula: Path) -> None:
    sources = {"restart_due": SOURCE, "decay": slots()["decay"].variants["GlucoseRamp"]}
    fused = builder.fused(sources)
    assert os.access(fused, os.X_OK)
    assert solve(fused, [], formula) == solve(engine(), builder.engine_arguments(sources), formula)
    assert builder.fused(sources) == fused


def out_of_bounds(before: str, index: str) -> str:
    return (f"struct Mine {{ double operator()(const View &view, std::span<const LearnedClause> clauses, "
            f"std::span<double> worth) {{ {before} worth[{index}] = 1; return 0.5; }} }};")  # fmt: skip


@pytest.mark.parametrize(
    ("before", "index"),
    [("", "worth.size()"), ("std::array<double, 4> a{}; a[view.conflicts] = 1;", "0"),
     ("const std::array<double, 2> a{1, 2}; const double x = a[clauses.size()];", "x > 0 ? 0 : 0")],
)  # fmt: skip
def test_an_index_out_of_bounds_ends_the_solver_in_both_builds(
    before: str, index: str, builder: Builder, formula: Path
) -> None:
    sources = {"score_clauses": out_of_bounds(before, index)}
    for program, arguments in ((engine(), builder.engine_arguments(sources)), (builder.fused(sources), [])):
        done = subprocess.run([program, formula, "--json", *arguments], capture_output=True, check=False)
        assert done.returncode == -signal.SIGABRT
        assert done.stdout == b""


def test_policies_with_arrays_and_spans_do_in_a_solver_what_they_do_in_the_engine(
    builder: Builder, formula: Path
) -> None:
    names = {"restart_due": "MachineLearned", "score_clauses": "DynamicTiers", "bump_variables": "Chb",
             "rephase_action": "Bandit"}  # fmt: skip
    fused = builder.fused({slot: slots()[slot].variants[name] for slot, name in names.items()})
    chosen = [word for slot, name in names.items() for word in ("--slot", f"{slot}={name}")]
    assert solve(fused, [], formula) == solve(engine(), chosen, formula)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (calling("return view.speed > 0;"), "line 4: 'const struct slotforge::View' has no member named 'speed'"),
        (calling("\nreturn std::max(1, 2.0) > 1;"), "line 5: no matching function for call to 'max(int, double)'"),
        (
            calling("return std::max(view.glue.fast, few) > 1;", "SLOT_PARAM(few, 1.0, 0.5, 2.0);"),
            "write double(x) for a SLOT_PARAM x there",
        ),
        (calling("return 1"), "expected ';' before '}' token"),
        (calling("return hidden() > 1;", "int hidden();"), "hidden"),
        (calling("std::array<double, 100000> a{}; a[view.level] = 1; return a[view.ticks] > 0;"), "frame size"),
        (calling("return a[view.level] > 0;", "std::array<double, 1000000> a{};"), "take more than 262144 bytes"),
        (calling("return seen.next() > 1;", "static inline Random seen{std::size_t(std::log(rand()))};"), "runs code"),
        (calling("return rand() > 1;"), "the policy calls 'rand', which is not allowed"),
    ],
)
def test_a_policy_that_may_not_be_built_is_refused_in_one_line(builder: Builder, source: str, said: str) -> None:
    with pytest.raises(BuildError) as caught:
        builder.plugin("restart_due", source)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(builder.cache) not in str(caught.value)
    assert not list(builder.cache.glob("making-*"))


def test_a_template_bomb_is_cut(builder: Builder) -> None:
    bomb = calling("return view.level > 0;", "template <int N> struct T { T<N + 1> inner; };\nT<0> first;")
    with pytest.raises(BuildError, match=r"^restart_due: line 2: template instantiation depth exceeds maximum of 64"):
        builder.plugin("restart_due", bomb)


def test_the_same_code_has_the_same_object_hash(builder: Builder) -> None:
    renamed = SOURCE.replace("count_", "turn_")
    other = SOURCE.replace("% 3", "% 5")
    paths = [builder.plugin("restart_due", source) for source in (SOURCE, renamed, other)]
    assert len(set(paths)) == 3
    hashes = [elf.object_hash(path) for path in paths]
    assert hashes[0] == hashes[1] != hashes[2]


def test_code_that_calls_another_function_has_another_object_hash(builder: Builder) -> None:
    source = "struct Policy {\n    bool operator()(const View &view) { return std::%s(view.glue.fast) > 0.5; }\n};\n"
    hashes = {elf.object_hash(builder.plugin("restart_due", source % name)) for name in ("sin", "cos", "tanh")}
    assert len(hashes) == 3


def test_builders_that_race_for_one_policy_all_get_it_whole(tmp_path: Path) -> None:
    def build(_: int) -> bytes:
        return Builder(tmp_path).plugin("restart_due", SOURCE).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(build, range(4)))) == 1
    assert [path.suffix for path in tmp_path.glob("[!h]*")] == [".so"]


def test_policies_compile_to_the_same_with_and_without_the_precompiled_header(builder: Builder, tmp_path: Path) -> None:
    builder.plugin("restart_due", SOURCE)
    for slot in ("decay", "reduce_due", "score_clauses"):
        plain = Builder(tmp_path / slot).plugin(slot, slots()[slot].default)  # the first one of its cache
        assert not (tmp_path / slot / "headers").exists()
        assert elf.object_hash(plain) == elf.object_hash(builder.plugin(slot, slots()[slot].default))
    assert {path.suffix for path in (builder.cache / "headers").iterdir()} == {".hpp", ".gch"}


def test_a_header_that_cannot_be_compiled_is_not_laid_to_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build.wrap, "HEADER", '#include "nowhere.hpp"\n')
    builder = Builder(tmp_path)
    paths = [builder.plugin("restart_due", SOURCE.replace("% 3", f"% {count}")) for count in (7, 8)]
    assert all(path.exists() for path in paths)
    assert not [*tmp_path.glob("headers/*.gch")]


@pytest.mark.parametrize("spoilt", [b"", b"gpch", None], ids=["empty", "cut", "of another compiler"])
def test_a_precompiled_header_that_cannot_be_used_does_no_harm(tmp_path: Path, spoilt: bytes | None) -> None:
    builder = Builder(tmp_path)
    first, second = (SOURCE.replace("% 3", f"% {count}") for count in (5, 6))
    builder.plugin("restart_due", first)
    builder.plugin("restart_due", second)
    (made,) = tmp_path.glob("headers/*.gch")
    made.write_bytes(made.read_bytes()[:5000].replace(b"gpch", b"gpcx") if spoilt is None else spoilt)
    assert builder.plugin("restart_due", SOURCE).exists()


def test_files_that_are_no_shared_objects_are_refused(tmp_path: Path) -> None:
    for data in (b"", b"text", b"\x7fELF\x02\x01" + b"\0" * 20):
        (tmp_path / "x.so").write_bytes(data)
        with pytest.raises(BuildError, match=r"^x\.so: "):
            elf.sections(tmp_path / "x.so")


def test_the_compiler_is_the_one_that_is_asked_for_or_an_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "g++" in compiler().version or "clang" in compiler().version
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BuildError, match=r"CXX=no-such-compiler does not answer: install g\+\+"):
        compiler.__wrapped__()
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BuildError, match=r"no C\+\+ compiler on PATH: install g\+\+"):
        compiler.__wrapped__()


def test_a_compiler_that_is_asked_for_its_version_gets_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "c++"
    fake.write_text(f"#!/bin/sh\nenv > {tmp_path}/told\necho g++ 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("CXX", str(fake))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    assert compiler.__wrapped__().version == "g++ 1"
    told = (tmp_path / "told").read_text()
    assert "PATH=" in told
    assert "sk-planted" not in told


def test_a_compiler_cache_is_passed_over_for_the_compiler_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "ccache"
    cache.write_text("#!/bin/sh\nexit 1\n")
    cache.chmod(0o755)
    (tmp_path / "g++").symlink_to(cache)
    monkeypatch.delenv("CXX", raising=False)
    known = compiler.__wrapped__()
    cache.write_text("#!/bin/sh\necho g++ cached\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert compiler.__wrapped__() == known


def test_a_compiler_that_is_a_link_keeps_its_name_and_reads_its_own_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("links", "prefix/bin", "prefix/lib"):
        (tmp_path / folder).mkdir(parents=True)
    real = tmp_path / "prefix" / "bin" / "driver"
    name = tmp_path / "links" / "mine++"
    (tmp_path / "prefix" / "lib" / "real").write_text(f"real={compiler().path}\n")
    real.write_text(
        f'#!/bin/sh\ncase "$0" in *mine++) ;; *) exit 9;; esac\n. {tmp_path}/prefix/lib/real\nexec $real "$@"\n'
    )
    real.chmod(0o755)
    name.symlink_to(real)
    monkeypatch.setenv("CXX", str(name))
    builder = Builder(tmp_path / "cache")
    builder.compiler = compiler.__wrapped__()
    assert builder.compiler.path == str(name)
    assert builder.plugin("restart_due", SOURCE).exists()


FORMS = (
    "std::array<double, 4> a{1, 2, 3, 4};",
    "std::array<double, 4> a{{1, 2, 3, 4}};",
    "std::array<double, 4> a = {1, 2, 3, 4};",
    "std::array<std::array<double, 2>, 2> t{{{1, 2}, {3, 4}}}; std::array<double, 2> a = t[1];",
    "std::array<Q, 2> q{{{1, 2}, {3, 4}}}; std::array<double, 2> a{q[0].x, q[1].y};",
    "std::array a{1.0, 2.0}; a.fill(3); a[0] = a.front() + a.back();",
    "std::array<double, 2> a{1, 2}; const auto [x, y] = a; a[0] = x + y;",
)


def test_arrays_take_the_same_values_in_a_plug_in_and_in_a_solver(builder: Builder, formula: Path) -> None:
    """The solver's arrays check their indices, and are otherwise those of the standard library."""
    blocks = "".join(
        f"{{ {form} for (double one : a) sum += one + static_cast<double>(a.size()); }}\n" for form in FORMS
    )
    source = f"""struct Mine {{
    struct Q {{ double x = 0, y = 0; }};
    bool operator()(const View &view) {{
        double sum = 0;
        {blocks}
        return static_cast<double>(view.conflicts - view.at.restart) > sum;
    }}
}};
"""
    sources = {"restart_due": source}
    plugin = solve(engine(), builder.engine_arguments(sources), formula)
    assert solve(builder.fused(sources), [], formula) == plugin


@pytest.mark.parametrize(
    "body", ["if (view.conflicts > 3) return true;", "const bool f = [] { bool g; return g; }(); return f;"]
)
def test_what_would_be_undefined_does_not_compile(builder: Builder, body: str) -> None:
    with pytest.raises(BuildError):
        builder.plugin("restart_due", f"struct Mine {{ bool operator()(const View &view) {{ {body} }} }};")
