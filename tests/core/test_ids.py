"""Identity by content takes whatever a model can write."""

from __future__ import annotations

import json

from slotforge.core.ids import content_id


def test_half_a_character_as_a_server_may_send_it_has_an_identity() -> None:
    sent = json.loads('"\\ud83d"')
    assert content_id({"slot": sent}) == content_id({"slot": sent}) != content_id({"slot": "?"})
