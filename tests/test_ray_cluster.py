"""ray_cluster.yaml is accepted by the checks that Ray's cluster launcher makes before it starts anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.exceptions import ValidationError

FILE = Path(__file__).parents[1] / "ray_cluster.yaml"


def validate(config: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(config))


@pytest.fixture
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


@pytest.mark.filterwarnings("ignore")
def test_the_cluster_file_is_valid(config: dict[str, Any]) -> None:
    validate(config)


@pytest.mark.filterwarnings("ignore")
def test_a_misspelt_key_would_be_found(config: dict[str, Any]) -> None:
    config["max_wrokers"] = config.pop("max_workers")
    with pytest.raises(ValidationError):
        validate(config)


@pytest.mark.filterwarnings("ignore")
def test_a_head_node_of_unknown_type_would_be_found(config: dict[str, Any]) -> None:
    config["head_node_type"] = "nobody"
    with pytest.raises(ValueError, match="head_node_type"):
        validate(config)


def test_no_secret_and_no_open_ray_port_stands_in_the_cluster_file(config: dict[str, Any]) -> None:
    ports = [rule["FromPort"] for rule in config["provider"]["security_group"]["IpPermissions"]]
    assert ports == [22]
    assert "KEY" not in FILE.read_text()
