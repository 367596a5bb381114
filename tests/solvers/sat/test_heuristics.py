"""Heuristics files: what is written is read back, and what is none is refused where it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.errors import BuildError, SlotforgeError, UsageError
from slotforge.solvers.sat import heuristics
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import params

COMMENTS = st.lists(
    st.one_of(
        st.text("abc {};*/\"'", max_size=30),
        st.sampled_from(["slot: decay", "} // namespace", '"', "/* ", "#if 0", ""]),
    ).map(lambda text: f"//{text}"),
    max_size=3,
)
POLICIES = st.sampled_from([(slot, variant) for slot in slots() for variant in slots()[slot].variants])


@st.composite
def sources(draw: st.DrawFn) -> dict[str, str]:
    found = {}
    for slot, variant in draw(st.lists(POLICIES, min_size=1, max_size=4)):
        above, inside = draw(COMMENTS), draw(COMMENTS)
        policy = slots()[slot].variants[variant].replace("{\n", "\n".join(["{", *inside, ""]), 1)
        found[slot] = "\n".join([*above, policy])
    return found


def nobody(ref: str) -> dict[str, str]:
    raise AssertionError(ref)


@given(written=sources(), provenance=st.lists(st.text(max_size=40), max_size=4))
def test_what_is_written_is_read_back(written: dict[str, str], provenance: list[str]) -> None:
    assert heuristics.parse(heuristics.write(written, provenance)) == written


@given(text=st.text("/ slot:decayrestart_due\n\r{};struct ()#\"'\\", max_size=200))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        heuristics.parse(f"// slot: decay\n{text}")
    except SlotforgeError as error:
        said = str(error)
    assert "\n" not in said


def test_a_file_by_hand_needs_marks_and_structs_only(tmp_path: Path) -> None:
    file = tmp_path / "mine.hpp"
    decay, bump = slots()["decay"].default, slots()["bump_reason"].default
    file.write_bytes(
        f"// mine\r\n\n//slot: decay\n\n{decay}\n//  slot:  bump_reason  \n{bump}".replace("\n", "\r\n").encode()
    )
    assert heuristics.read(file) == {"decay": decay, "bump_reason": bump}
    assert heuristics.resolve(file, nobody) == heuristics.resolve(str(file), nobody) == heuristics.read(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("struct A {};", "FILE: holds no policy"),
        ("", "FILE: holds no policy"),
        ("\n// slot: decay\nint x;\n", "FILE:2: slot decay: a policy is exactly one struct"),
        ("// slot: decay\nstruct A {};\n// slot: decay\nstruct B {};", "FILE:3: slot decay is given twice"),
        ("// slot: decay\nstruct A {};\nstruct B {};", "FILE:1: slot decay: a policy is exactly one struct"),
    ],
)
def test_what_is_no_heuristics_file_is_refused_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "FILE"
    file.write_text(text)
    with pytest.raises(BuildError) as caught:
        heuristics.read(file)
    assert message in str(caught.value)


def test_files_that_are_no_text_or_too_large_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "FILE"
    for content in (b"\xff\xfe", b"/" * (heuristics.SIZE_LIMIT + 1)):
        file.write_bytes(content)
        with pytest.raises(BuildError, match="FILE: "):
            heuristics.read(file)
    with pytest.raises(BuildError, match="cannot be read"):
        heuristics.read(tmp_path)


def test_built_in_variants_are_named_with_their_numbers() -> None:
    chosen = heuristics.builtin("restart_due=Luby:unit=50, decay=EasySat")
    assert {param.name: param.value for param in params(chosen["restart_due"])} == {"unit": 50}
    assert chosen["decay"] == slots()["decay"].variants["EasySat"]
    for wrong in (
        "x=Luby",
        "decay=x",
        "decay",
        "decay=EasySat,decay=Chaff",
        "restart_due=Luby:unit",
        "restart_due=Luby:unit=x",
    ):
        with pytest.raises(UsageError):
            heuristics.builtin(wrong)


def test_ids_are_looked_up_and_the_baseline_needs_no_look() -> None:
    asked = []

    def known(ref: str) -> dict[str, str]:
        asked.append(ref)
        return {"decay": slots()["decay"].default}

    assert heuristics.resolve("0123abcd", known) == known("0123abcd")
    assert heuristics.resolve(None, nobody) == heuristics.resolve("baseline", nobody) == {}
    assert asked[0] == "0123abcd"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("restart_due=Luby:unti=64", "the policy has no number 'unti'; it has unit"),
        ("restart_due=Luby:unit=-5", "unit lies between 16 and 1024"),
        ("restart_due=Luby:unit=abc", "'unit=abc' is not NAME=NUMBER"),
    ],
)
def test_numbers_that_a_policy_has_not_or_may_not_have_are_refused(choice: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        heuristics.builtin(choice)
