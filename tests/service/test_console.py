"""What commands print for people."""

from __future__ import annotations

from io import StringIO

import pytest

from slotforge.service.cli._console import Plain, print_table


@pytest.mark.parametrize("terminal", [True, False])
def test_what_others_wrote_neither_moves_the_cursor_nor_turns_a_line(terminal: bool) -> None:
    told = StringIO()
    console = Plain(file=told, width=200, force_terminal=terminal, highlight=False)
    hostile = "a\x1b]0;owned\x07\x1b[2Jb\x9b31mc\u202ed"
    console.print(hostile, markup=False)
    print_table(console, ("idea", "ratio"), [(hostile, "[bold]0.5[/]")])
    text = told.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert text.count("a\ufffd]0;owned") == 2
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*text}
    assert ("\x1b[1m0.5" in told.getvalue()) == terminal, "what we colour ourselves stays"
