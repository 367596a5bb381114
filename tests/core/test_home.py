"""Files of the user's folder are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core.home import arriving


def test_a_file_that_is_not_written_in_full_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    with pytest.raises(OSError, match="full"), arriving(path) as draft:
        _run_out_of_room(draft)
    assert list(path.parent.iterdir()) == []
    with arriving(path) as draft:
        draft.write_text("whole")
    assert [file.read_text() for file in path.parent.iterdir()] == ["whole"]


def _run_out_of_room(file: Path) -> None:
    file.write_text("ha")
    raise OSError("the disk is full")
