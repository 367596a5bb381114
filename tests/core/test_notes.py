"""Many warnings of one kind are few lines, and none of another kind is lost among them."""

from __future__ import annotations

from slotforge.core.notes import grouped


def test_lines_of_one_kind_are_named_up_to_a_few_and_then_counted() -> None:
    lines = [f"/f/{n}.txt: not named like a CNF file, left out" for n in range(300)]
    assert grouped(lines) == [*lines[:3], "... and 297 more: not named like a CNF file, left out"]
    assert grouped(lines[:4]) == lines[:4], "a line that counts one takes no less room than the line"


def test_kinds_stand_apart_whatever_names_and_numbers_are_in_their_reasons() -> None:
    states = [f"{n}.cnf: the header states {n} clauses, the file holds {n + 1}" for n in range(9)]
    same = [f"{n}.cnf: the same formula as {n - 1}.cnf, left out" for n in range(9)]
    words = [f"{n}.cnf:{n}: a literal is expected, not '{'x' * (n + 1)}', left out" for n in range(9)]
    other = ["pipe.cnf: not a regular file, left out"]
    shown = grouped([line for group in zip(states, same, words, strict=True) for line in group] + other)
    assert shown == [
        *states[:3], "... and 6 more: the header states ... clauses, the file holds ...",
        *same[:3], "... and 6 more: the same formula as ..., left out",
        *words[:3], "... and 6 more: a literal is expected, not ..., left out",
        *other,
    ]  # fmt: skip
