"""ray_cluster.yaml is accepted by the checks that Ray's cluster launcher makes before it starts anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.exceptions import ValidationError

ROOT = Path(__file__).parents[1]
FILE = ROOT / "ray_cluster.yaml"
UBUNTU_PYTHON = {"18.04": (3, 6), "20.04": (3, 8), "22.04": (3, 10), "24.04": (3, 12)}


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


def node_images(config: dict[str, Any]) -> set[str]:
    """Return what Ray's provider for AWS would start the nodes from."""
    from ray.autoscaler._private.aws.config import _check_ami

    _check_ami(config)  # type: ignore[no-untyped-call]
    return {kind["node_config"]["ImageId"] for kind in config["available_node_types"].values()}


@pytest.mark.filterwarnings("ignore")
def test_nodes_start_from_an_image_of_any_region_whose_python_is_new_enough(config: dict[str, Any]) -> None:
    (image,) = node_images(config)
    found = re.fullmatch(
        r"resolve:ssm:/aws/service/canonical/ubuntu/server/([\d.]+)/stable/current/amd64/hvm/ebs-gp3/ami-id", image
    )
    assert found
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert UBUNTU_PYTHON[found[1]] >= tuple(map(int, needed.removeprefix(">=").split(".")))
    assert any("make .venv/ready PYTHON=python3" in command for command in config["setup_commands"])


@pytest.mark.filterwarnings("ignore")
def test_without_an_image_ray_would_take_one_that_is_too_old(config: dict[str, Any]) -> None:
    for kind in config["available_node_types"].values():
        del kind["node_config"]["ImageId"]
    assert all(image.startswith("ami-") for image in node_images(config))


def test_the_head_starts_the_others_from_its_own_image(config: dict[str, Any], tmp_path: Path) -> None:
    """Run the command with AWS's address for it replaced, on the file as Ray writes it there."""
    command = config["head_start_ray_commands"][0]
    (tmp_path / "ray_bootstrap_config.yaml").write_text(json.dumps(config))
    (tmp_path / "curl").write_text('#!/bin/sh\ncase "$*" in *token) echo key;; *ami-id) echo ami-0123abc;; esac\n')
    (tmp_path / "curl").chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", command], env=environment, check=True)
    changed = json.loads((tmp_path / "ray_bootstrap_config.yaml").read_text())
    assert {kind["node_config"]["ImageId"] for kind in changed["available_node_types"].values()} == {"ami-0123abc"}


@pytest.mark.filterwarnings("ignore")
def test_every_node_gets_a_compiler_and_the_head_gets_boto3(config: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config

    prepared = prepare_config(config)
    for role in ("head", "worker"):
        commands = " ".join(prepared[f"{role}_setup_commands"])
        assert all(f" {package} " in f"{commands} " for package in ("g++", "cmake", "make", "python3-venv"))
    assert "boto3" in " ".join(prepared["head_setup_commands"])
    assert "pip install boto3" in FILE.read_text()


def test_every_ray_of_the_cluster_asks_for_the_token(config: dict[str, Any]) -> None:
    starts = [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    assert all("RAY_AUTH_MODE=token" in command for command in starts if "ray start" in command)
    assert config["file_mounts"]["/home/ubuntu/.ray/auth_token"] == "~/.ray/auth_token"
    assert any("RAY_AUTH_MODE=token" in command and "~/.bashrc" in command for command in config["setup_commands"])


def test_the_mode_of_authentication_is_not_hidden_from_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    from slotforge.search.executors._environment import without_secrets

    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with without_secrets():
        assert os.environ["RAY_AUTH_MODE"] == "token"


def test_all_nodes_share_the_folder_that_slotforge_keeps_its_files_in(config: dict[str, Any]) -> None:
    assert any("SLOTFORGE_HOME=/shared/" in command for command in config["setup_commands"])
    assert any("exportfs" in command for command in config["head_setup_commands"])
    assert any("$RAY_HEAD_IP:/shared" in command for command in config["worker_setup_commands"])


def test_every_command_of_the_cluster_file_is_one_that_a_shell_can_read(config: dict[str, Any]) -> None:
    for name in (name for name in config if name.endswith("_commands")):
        for command in config[name]:
            subprocess.run(["bash", "-n", "-c", command], check=True)
