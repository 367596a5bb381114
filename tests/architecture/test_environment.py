"""What tests compare with is there, so that none of them is left out unseen."""

from importlib.util import find_spec

import pytest


@pytest.mark.parametrize("package", ["optax", "pytorch_optimizer", "torch"])
def test_a_reference_that_rules_are_held_against_is_installed(package: str) -> None:
    assert find_spec(package) is not None, f"{package} is missing: run `make test`, which installs it"
