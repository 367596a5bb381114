"""The files for Ray's cluster launcher are accepted by the checks that it makes before it starts anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jsonschema.exceptions import ValidationError

from slotforge.search import worker

ROOT = Path(__file__).parents[1]
FILE = ROOT / "ray_cluster.yaml"
FILES = {"aws": FILE, **{kind: ROOT / "deploy" / f"ray_cluster.{kind}.yaml" for kind in ("gcp", "local")}}
UBUNTU_PYTHON = {"18.04": (3, 6), "20.04": (3, 8), "22.04": (3, 10), "24.04": (3, 12)}


def validate(config: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(config))


def read(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


@pytest.fixture
def config() -> dict[str, Any]:
    return read(FILE)


@pytest.fixture(params=FILES)
def any_config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(FILES[request.param])


@pytest.mark.filterwarnings("ignore")
def test_the_cluster_file_is_valid(any_config: dict[str, Any]) -> None:
    validate(any_config)


@pytest.mark.filterwarnings("ignore")
def test_a_misspelt_key_would_be_found(any_config: dict[str, Any]) -> None:
    any_config["max_wrokers"] = any_config.pop("max_workers")
    with pytest.raises(ValidationError):
        validate(any_config)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["aws", "gcp"])
def test_a_head_node_of_unknown_type_would_be_found(kind: str) -> None:
    config = read(FILES[kind])
    config["head_node_type"] = "nobody"
    with pytest.raises(ValueError, match="head_node_type"):
        validate(config)


@pytest.mark.filterwarnings("ignore")
def test_machines_of_ones_own_are_one_head_and_as_many_workers_as_are_listed() -> None:
    from ray.autoscaler._private.util import prepare_config

    config = read(FILES["local"])
    assert len(config["provider"]["worker_ips"]) == config["max_workers"] == config["min_workers"]
    prepared = prepare_config(config)
    (kind,) = prepared["available_node_types"].values()
    assert kind["max_workers"] == 2
    assert any("--num-cpus=0" in command for command in prepared["head_start_ray_commands"])


@pytest.mark.parametrize("kind", ["aws", "gcp"])
def test_a_node_that_the_autoscaler_starts_has_room_for_as_many_workers_as_it_has_cpus(kind: str) -> None:
    """Ray is told of its memory: where a type says nothing of it, no node is ever started for who asks for some."""
    there = read(FILES[kind])["available_node_types"]["evaluator"]["resources"]
    assert there["memory"] >= there["CPU"] * worker.domain("sat").memory_mb << 20
    assert there["memory"] >= there["CPU"] // 2 * worker.domain("optim").memory_mb << 20


@pytest.mark.parametrize("kind", FILES)
def test_no_secret_stands_in_a_cluster_file(kind: str) -> None:
    text = FILES[kind].read_text()
    assert not re.search(r"KEY|SECRET|PASSWORD|TOKEN|sk-", text)


class Cloud:
    """As much of EC2 as Ray asks when it looks for a security group: one network, in which the user's group stands."""

    def __init__(self) -> None:
        self.security_groups = self.subnets = self
        self.groups = [Group(OURS, "ours", [{"FromPort": 22}])]

    def filter(self, Filters: list[dict[str, Any]]) -> list[Any]:  # noqa: N803 # Amazon's name
        (wanted,) = Filters
        if wanted["Name"] == "subnet-id":
            return [SimpleNamespace(subnet_id=id_, vpc_id="vpc-1") for id_ in wanted["Values"]]
        return [one for one in self.groups if wanted["Name"] == "vpc-id" or one.id in wanted["Values"]]

    def all(self) -> list[Any]:
        facts = {"state": "available", "map_public_ip_on_launch": True, "availability_zone": "a"}
        return [SimpleNamespace(subnet_id="subnet-1", vpc_id="vpc-1", **facts)]

    def create_security_group(self, **wanted: Any) -> None:
        self.groups.append(Group("sg-new", wanted["GroupName"], []))


class Group:
    """A security group, and the rules that Ray writes into it."""

    vpc_id = "vpc-1"

    def __init__(self, id_: str, name: str, rules: list[dict[str, Any]]) -> None:
        self.id, self.group_name, self.ip_permissions = id_, name, rules
        self.written: list[dict[str, Any]] = []

    def authorize_ingress(self, IpPermissions: list[dict[str, Any]]) -> None:  # noqa: N803 # Amazon's name
        self.written += IpPermissions


OURS = "sg-0123"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    from ray.autoscaler._private.aws import config

    made = Cloud()
    for way in ("_resource", "_client"):
        monkeypatch.setattr(config, way, lambda *_: made)
    return made


def groups(config: dict[str, Any]) -> dict[str, list[str]]:
    """Return the security groups in which Ray would start each type of node, once it has made what it makes."""
    from ray.autoscaler._private.aws.config import _configure_security_group, _configure_subnet

    made = _configure_security_group(_configure_subnet(config))  # type: ignore[no-untyped-call]
    return {name: kind["node_config"]["SecurityGroupIds"] for name, kind in made["available_node_types"].items()}


@pytest.mark.filterwarnings("ignore")
def test_nodes_are_in_the_group_of_the_user_and_ray_opens_nothing(config: dict[str, Any], cloud: Cloud) -> None:
    told = yaml.safe_load(FILE.read_text().replace("sg-YOUR_GROUP", OURS))
    assert groups(told) == {"head": [OURS], "evaluator": [OURS]}
    assert [(group.id, group.written) for group in cloud.groups] == [(OURS, [])]
    assert "security_group" not in config["provider"]
    assert "sg-YOUR_GROUP" in (ROOT / "docs" / "cluster.md").read_text()


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_whose_group_was_not_made_is_refused(config: dict[str, Any], cloud: Cloud) -> None:
    with pytest.raises((AssertionError, SystemExit)):
        groups(config)
    assert [group.written for group in cloud.groups] == [[]]


@pytest.mark.filterwarnings("ignore")
def test_without_a_group_ray_would_let_anybody_in(config: dict[str, Any], cloud: Cloud) -> None:
    for kind in config["available_node_types"].values():
        del kind["node_config"]["SecurityGroupIds"]
    assert groups(config) == {"head": ["sg-new"], "evaluator": ["sg-new"]}
    assert {"CidrIp": "0.0.0.0/0"} in [one for rule in cloud.groups[1].written for one in rule.get("IpRanges", [])]


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
    assert any("python3 -m venv" in command for command in config["setup_commands"])


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
@pytest.mark.parametrize(("kind", "needed"), [("aws", "boto3"), ("gcp", "google-api-python-client"), ("local", "")])
def test_every_node_gets_a_compiler_and_the_head_what_starts_others(kind: str, needed: str) -> None:
    from ray.autoscaler._private.util import prepare_config

    prepared = prepare_config(read(FILES[kind]))
    for role in ("head", "worker"):
        commands = " ".join(prepared[f"{role}_setup_commands"])
        assert all(f" {package} " in f"{commands} " for package in ("g++", "python3-venv"))
    assert needed in " ".join(prepared["head_setup_commands"])
    assert not needed or f"pip install {needed}" in FILES[kind].read_text()


def test_every_node_installs_the_wheel_and_what_it_is_locked_to(any_config: dict[str, Any]) -> None:
    mounts, commands = any_config["file_mounts"], any_config["setup_commands"]
    assert (mounts["/home/ubuntu/slotforge/dist"], (ROOT / "requirements.lock").is_file()) == ("dist", True)
    assert mounts["/home/ubuntu/slotforge/requirements.lock"] == "requirements.lock"
    installs = [command for command in commands if "pip install" in command]
    assert "-r ~/slotforge/requirements.lock" in installs[1]
    assert "--no-deps --force-reinstall ~/slotforge/dist/slotforge-*.whl" in installs[2]


def test_every_ray_of_the_cluster_asks_for_the_token(any_config: dict[str, Any]) -> None:
    starts = [*any_config["head_start_ray_commands"], *any_config["worker_start_ray_commands"]]
    assert all("RAY_AUTH_MODE=token" in command for command in starts if "ray start" in command)
    assert sum("ray start" in command for command in starts) == 2
    assert any("--dashboard-host=127.0.0.1" in command for command in any_config["head_start_ray_commands"])
    assert any_config["file_mounts"]["/home/ubuntu/.ray/auth_token"] == "~/.ray/auth_token"
    assert any("RAY_AUTH_MODE=token" in command and "~/.bashrc" in command for command in any_config["setup_commands"])


def test_the_mode_of_authentication_is_not_hidden_from_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    from slotforge.search.executors._environment import without_secrets

    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with without_secrets():
        assert os.environ["RAY_AUTH_MODE"] == "token"


@pytest.mark.filterwarnings("ignore")
def test_a_driver_joins_a_cluster_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from slotforge.search.executors.ray import executor

    seen: list[str | None] = []
    monkeypatch.setenv("RAY_AUTH_TOKEN", "planted")
    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.1:6379")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **_: seen.append(os.environ.get("RAY_AUTH_TOKEN")))
    executor(0)
    assert seen == ["planted"]


def test_every_command_of_the_cluster_file_is_one_that_a_shell_can_read(any_config: dict[str, Any]) -> None:
    for name in (name for name in any_config if name.endswith("_commands")):
        for command in any_config[name]:
            subprocess.run(["bash", "-n", "-c", command], check=True)
