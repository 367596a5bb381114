"""Identity by content takes whatever a model can write."""

from __future__ import annotations

import hashlib
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator, Philox

from slotforge.core import philox
from slotforge.core.ids import content_id, first_normal, generator


def test_half_a_character_as_a_server_may_send_it_has_an_identity() -> None:
    sent = json.loads('"\\ud83d"')
    assert content_id({"slot": sent}) == content_id({"slot": sent}) != content_id({"slot": "?"})


@given(key=st.tuples(st.integers(), st.text(max_size=5)))
def test_a_generator_is_that_of_philox_with_the_digest_as_its_key(key: tuple[int, str]) -> None:
    digest = hashlib.sha256(repr(key).encode()).digest()
    made, known = generator(*key), Generator(Philox(key=int.from_bytes(digest[:16], "little")))
    copied = pickle.loads(pickle.dumps(made))
    expected = known.standard_normal(9)
    assert (made.standard_normal(9) == expected).all()
    assert (copied.standard_normal(9) == expected).all()


@given(keys=st.lists(st.tuples(st.integers(), st.text(max_size=5)), min_size=1))
def test_a_first_normal_is_that_of_the_key_whatever_was_drawn_before(keys: list[tuple[int, str]]) -> None:
    assert [first_normal(*key) for key in keys] == [generator(*key).standard_normal() for key in keys]


def test_threads_draw_with_generators_of_their_own() -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(lambda: philox._OWN.bits).result() is not philox._OWN.bits
