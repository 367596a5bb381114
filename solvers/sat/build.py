"""From a policy's source to something that runs: a shared object for the engine, or a whole solver with it inside."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, cached_property, lru_cache
from pathlib import Path

from slotforge.core.errors import BuildError
from slotforge.solvers.sandbox import Limits, Outcome
from slotforge.solvers.sat import elf, wrap
from slotforge.solvers.sat.compiler import Compiler, compiler
from slotforge.solvers.sat.slot import FOLDER as SLOTS
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import abstracted, normalised, number, params

ENGINE = SLOTS.parent / "engine"
MADE = "made"
LOG = ".log"
LONGEST = 20_000  # characters of what the compiler said
SOLVER = str(ENGINE / "fused" / "fused.cpp")

COMMON = ("-std=c++20", "-ffp-contract=off", "-ftemplate-depth=64", "-fmax-errors=5",
          "-Werror=return-type", "-Werror=uninitialized", "-Winit-self")  # fmt: skip
FINITE_GNU = ("-fno-finite-loops",)  # an endless loop must hang, and be caught, not be optimised away
SHARED = ("-shared", "-nostartfiles")
PLUGIN = ("-O2", "-fPIC", *SHARED, "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-D_GLIBCXX_ASSERTIONS")
PLUGIN_GNU = ("-fno-gnu-unique", "-Werror=frame-larger-than=65536")  # a policy has little of the stack
FUSED = ("-O3", "-DNDEBUG")
WARNINGS = ("-Wall", "-Wextra", "-Wno-error")  # for who reads the log of a policy; no run depends on them

PLUGIN_LIMITS = Limits(cpu_s=20, wall_s=60, memory_mb=2048, file_mb=64)  # the precompiled header has 27 MB
FUSED_LIMITS = Limits(cpu_s=180, wall_s=600, memory_mb=4096, file_mb=256)

_LINKED = re.compile(
    r"(cbrt|ceil|cos|exp|exp2|fabs|floor|fmax|fmin|fmod|hypot|log|log10|log1p|log2|ll?round|pow|round|sin|sqrt|tanh|trunc)[fl]?"
    r"|mem(cpy|move|set|cmp)|__stack_chk_fail|_ZSt\d+__glibcxx_assert_fail.*|_ZNSt3__1\d+__libcpp_verbose_abort.*"
)
_ERROR = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>.*)$", re.MULTILINE)
_PARAM = re.compile(r"no matching function for call to .*slotforge::Param\s*&")
_FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/:'\"]+/)+")
_FROM = re.compile(rf"\b{wrap.FILE}(?P<slot>\w*):(?P<line>\d+)")


@cache
def engine() -> Path:
    """The engine's program, beside this Python or on PATH; raises BuildError when it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "slotforge-sat"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("slotforge-sat")
    if found is None:
        raise BuildError(f"slotforge-sat is neither at {beside} nor on PATH: install slotforge again (pip install .)")
    return Path(found)


@cache
def engine_hash() -> str:
    """What tells one build of the engine from another; raises BuildError when it is not installed."""
    return hashlib.sha256(engine().read_bytes()).hexdigest()[:16]


class Builder:
    """Compiles policies in the sandbox and keeps what came out; safe to use from many processes on one cache.

    cache: a folder, made when it is missing.
    allow_unsafe: compile even where the sandbox cannot contain it.
    """

    def __init__(self, cache: Path, *, allow_unsafe: bool = False) -> None:
        self.cache = cache.resolve()
        self.allow_unsafe = allow_unsafe
        self._known: dict[tuple[str, str], str] = {}

    @cached_property
    def compiler(self) -> Compiler:
        """The compiler, looked for at the first build."""
        return compiler()

    @property
    def plugin_flags(self) -> tuple[str, ...]:
        """What the compiler is told about one policy: the options of $CXX first, then ours."""
        return (*self.compiler.options, *COMMON, *PLUGIN, *((*PLUGIN_GNU, *FINITE_GNU) if self.compiler.gnu else ()))

    @property
    def fused_flags(self) -> tuple[str, ...]:
        """What it is told about a whole solver."""
        return (*self.compiler.options, *COMMON, *FUSED, *(FINITE_GNU if self.compiler.gnu else ()))

    def plugin(self, slot: str, source: str) -> Path:
        """Compile one policy into a shared object; policies that differ only in tunable numbers share it.

        Args:
            slot: that it is for.
            source: of the policy, one struct; it is taken as already checked by `hygiene.check`.

        Returns:
            The shared object in the cache.

        Raises:
            BuildError: the compiler refuses it, or it needs what a policy may not have; one line.
        """
        text = wrap.plugin(slot, abstracted(source))
        flags = (*self.plugin_flags, *WARNINGS)
        headers = ("include/slotforge", f"../slots/{slot}.hpp")
        target = self.cache / f"{self._key(slot, text, flags, headers)}.so"
        if not target.exists():
            try:
                self._make(target, {"policy.cpp": text}, "policy.cpp", (*flags, *self._header(flags)), PLUGIN_LIMITS)
            except BuildError as error:
                raise BuildError(f"{slot}: {error}", log={slot: "".join(error.log.values())}) from None
        return target

    def code(self, slot: str, source: str) -> str:
        """Name what a policy compiles to and its numbers: equal for policies that must behave the same.

        Raises:
            BuildError: as for `plugin`.
        """
        numbers = sorted(f"{param.name}={number(param.value)}" for param in params(source))
        return " ".join([_object_hash(self.plugin(slot, source)), *numbers])

    def log(self, slot: str, source: str) -> str:
        """Return what the compiler had to say of a policy, which is compiled when that has not been done.

        It is empty where that was nothing, as of a built-in variant; names of folders are left out.

        Raises:
            BuildError: as for `plugin`.
        """
        kept = Path(self._choice(slot, source)).with_suffix(LOG)
        return kept.read_text(encoding="utf-8") if kept.is_absolute() and kept.exists() else ""

    def fused(self, sources: Mapping[str, str]) -> Path:
        """Compile the whole engine with these policies inside, and the defaults for the other slots.

        Args:
            sources: of policies by slot; their SLOT_PARAMs start at the values written in them.

        Returns:
            The solver in the cache, with the command line of slotforge-sat.

        Raises:
            BuildError: as for `plugin`.
        """
        text = wrap.fused(sources)
        flags = self.fused_flags
        target = self.cache / f"solver-{self._key('', text, flags, ('.', '../slots'))}"
        if not target.exists():
            for slot, source in sorted(sources.items()):
                self.plugin(slot, source)  # checks each policy by itself before it is among the engine's code
            self._make(target, {"candidate_policies.hpp": text}, SOLVER, flags, FUSED_LIMITS)
        return target

    def engine_arguments(self, sources: Mapping[str, str]) -> list[str]:
        """The arguments that make slotforge-sat use these policies, which are compiled when that has not been done.

        A policy that is a built-in variant, but for its numbers, is named and not compiled.

        Args:
            sources: of policies by slot.

        Raises:
            BuildError: as for `plugin`.
        """
        chosen = []
        for slot, source in sorted(sources.items()):
            chosen += ["--slot", f"{slot}={self._choice(slot, source)}"]
        return chosen + self.parameter_arguments(sources)

    def parameter_arguments(self, sources: Mapping[str, str]) -> list[str]:
        """The arguments that set every SLOT_PARAM to the value written in its source."""
        found = []
        for slot, source in sorted(sources.items()):
            for param in params(source):
                found += ["--param", f"{slot}.{param.name}={number(param.value)}"]
        return found

    def _header(self, flags: Sequence[str]) -> Sequence[str]:
        """Tell GCC of what all policies include, compiled once for all builds in this cache: three times as quick.

        The first policy of a cache does without, for the header takes as long as two of them.
        """
        if not self.compiler.gnu or next(self.cache.glob("*.so"), None) is None:
            return ()
        header = self._headers / f"{self._key('', wrap.HEADER, flags, ('include/slotforge',))}.hpp"
        compiled = header.with_suffix(".hpp.gch")
        if not compiled.exists():
            self._headers.mkdir(exist_ok=True)
            header.write_text(wrap.HEADER, encoding="utf-8")  # GCC takes it where it can not use what is compiled
            kept = [flag for flag in flags if flag not in SHARED]
            with suppress(BuildError):  # that is not to be laid to the policy, which is compiled without it
                self._make(
                    compiled, {header.name: wrap.HEADER}, header.name, ("-x", "c++-header", *kept), PLUGIN_LIMITS
                )
        return ("-include", str(header)) if compiled.exists() else ()

    @property
    def _headers(self) -> Path:
        return self.cache / "headers"

    def _choice(self, slot: str, source: str) -> str:
        key = (slot, abstracted(source))
        choice = self._known.get(key) or _builtin(slot).get(normalised(source))
        if choice is None or ("/" in choice and not Path(choice).exists()):
            choice = str(self.plugin(slot, source))
        self._known[key] = choice
        return choice

    def _key(self, slot: str, text: str, flags: Sequence[str], headers: Sequence[str]) -> str:
        parts = (slot, text, self.compiler.path, self.compiler.version, *flags, *map(_content, headers))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _make(self, target: Path, files: Mapping[str, str], unit: str, flags: Sequence[str], limits: Limits) -> None:
        """Compile in a folder of its own and rename, so that of two that race both have a whole file.

        What the compiler said stands beside a shared object, and is there before it.
        """
        with self._folder() as folder:
            outcome = self._compile(folder, files, unit, flags, limits)
            made, plugin, said = folder / MADE, target.suffix == ".so", _said(outcome)
            done = outcome.exit == 0 and made.exists()
            if fault := (_inspected(made) if plugin else "") if done else _diagnosis(outcome):
                raise BuildError(fault, log={Path(unit).name: said or fault})
            if plugin and said:
                log = folder / LOG
                log.write_text(said, encoding="utf-8")
                log.replace(target.with_suffix(LOG))
            made.chmod(0o755)
            made.replace(target)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=self.cache) as name:
            yield Path(name)

    def _compile(
        self, folder: Path, files: Mapping[str, str], unit: str, flags: Sequence[str], limits: Limits
    ) -> Outcome:
        """Compile to MADE in a folder."""
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        includes = [folder, ENGINE / "fused", ENGINE, ENGINE / "include", SLOTS.parent]
        command = [self.compiler.path, *flags, *(f"-I{path}" for path in includes)]
        return self._run([*command, str(folder / unit), "-o", str(folder / MADE)], folder, limits)

    def _run(self, command: Sequence[str], folder: Path, limits: Limits) -> Outcome:
        from slotforge.solvers import sandbox

        return sandbox.run(
            command,
            profile="compile",
            limits=limits,
            reads=[ENGINE, SLOTS, *self.compiler.folders, *([self._headers] if self._headers.exists() else [])],
            scratch=folder,
            allow_unsafe=self.allow_unsafe,
        )


@cache
def _builtin(slot: str) -> Mapping[str, str]:
    return {normalised(source): name for name, source in slots()[slot].variants.items()}


@lru_cache(maxsize=4096)
def _object_hash(path: Path) -> str:
    """A hash of what a shared object does; the cache names files by content, so one that is there never changes."""
    return elf.object_hash(path)


@cache
def _content(name: str) -> str:
    """A hash of a file, or of the C++ in a folder, of the engine."""
    path = ENGINE / name
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in (".hpp", ".cpp"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _inspected(path: Path) -> str:
    """Say why a shared object is refused that runs code when loaded, or calls what a policy has no use for."""
    found = elf.sections(path)
    if elf.starts_by_itself(found):
        return "the policy runs code when it is loaded: give its members values that are constants"
    strange = next((symbol for symbol in elf.undefined(found) if not _LINKED.fullmatch(symbol)), None)
    return f"the policy calls {strange!r}, which is not allowed: use the slot and std math" if strange else ""


def _said(outcome: Outcome) -> str:
    """All that the compiler said, without names of folders, and in whole lines not longer than LONGEST."""
    said = _FOLDERS.sub("", outcome.stderr.decode(errors="replace")).strip("\n")
    if len(said) <= LONGEST:
        return said
    kept = said[:LONGEST].rpartition("\n")[0]
    return f"{kept}\n... {len(said) - len(kept):,} more characters"


def _diagnosis(outcome: Outcome) -> str:
    """The first error of the compiler, at the policy's own line and without paths."""
    if outcome.reason in ("wall", "cpu", "memory", "output"):
        return f"the compiler was stopped ({outcome.reason}): write a smaller or simpler policy"
    said = outcome.stderr.decode(errors="replace")
    errors = list(_ERROR.finditer(said))
    for error in errors:
        if own := _FROM.fullmatch(f"{error['file']}:{error['line']}"):
            return _where(own) + _advised(error["text"])
    if errors and (own := _FROM.search(said)):
        return f"{_where(own)}{errors[0]['text']} (in the library, called from here)"
    lines = [line for line in said.splitlines() if "error" in line or "undefined" in line] or said.splitlines()
    return "the compiler failed: " + (re.sub(r"\S*/", "", lines[0]) if lines else f"{outcome.reason}, no message")


def _advised(text: str) -> str:
    """Say what to write where a number is mixed with other doubles in a template, which sees that it is none."""
    return f"{text}: write double(x) for a SLOT_PARAM x there" if _PARAM.search(text) else text


def _where(match: re.Match[str]) -> str:
    slot = match["slot"].removeprefix("_")
    return f"{slot}: line {match['line']}: " if slot else f"line {match['line']}: "
