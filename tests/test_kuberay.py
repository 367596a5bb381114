"""deploy/kuberay.yaml has no field that Kubernetes and KubeRay do not know, and confines what runs in it.

The schemas hold fields of KubeRay 1.6 and Kubernetes 1.33, as many as the manifest needs, strictly at every level: one
that is misspelt, stands elsewhere or has another type is found. What a cluster alone can tell is not checked: that the
image is there, that there is room, and that a network plug-in enforces the policies.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[1]
FILE = ROOT / "deploy" / "kuberay.yaml"
TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
QUANTITY = {"type": "string", "pattern": r"^\d+(\.\d+)?([munkMGTPE]|[KMGTPE]i)?$"}
NAME = {"type": "string", "pattern": r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}


def exactly(*required: str, **fields: Any) -> dict[str, Any]:
    """Describe an object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": [*required], "additionalProperties": False}


def some(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


def mapped(value: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


SECCOMP = exactly("type", type={"enum": ["RuntimeDefault", "Localhost", "Unconfined"]}, localhostProfile=TEXT)
CONFINED = exactly(
    allowPrivilegeEscalation=FLAG,
    readOnlyRootFilesystem=FLAG,
    privileged=FLAG,
    runAsNonRoot=FLAG,
    runAsUser=WHOLE,
    runAsGroup=WHOLE,
    capabilities=exactly(add=some(TEXT), drop=some(TEXT)),
    seccompProfile=SECCOMP,
)
RESOURCES = exactly(requests=mapped(QUANTITY), limits=mapped(QUANTITY))
SECRET_OF = exactly(secretKeyRef=exactly("name", "key", name=TEXT, key=TEXT, optional=FLAG))
CONTAINER = exactly(
    "name",
    "image",
    name=NAME,
    image=TEXT,
    command=some(TEXT),
    args=some(TEXT),
    env=some(exactly("name", name=TEXT, value=TEXT, valueFrom=SECRET_OF)),
    ports=some(exactly("containerPort", containerPort=WHOLE, name=NAME, protocol={"enum": ["TCP", "UDP", "SCTP"]})),
    resources=RESOURCES,
    securityContext=CONFINED,
    volumeMounts=some(exactly("name", "mountPath", name=NAME, mountPath=TEXT, readOnly=FLAG, subPath=TEXT)),
)
VOLUME = exactly(
    "name",
    name=NAME,
    emptyDir=exactly(medium=TEXT, sizeLimit=QUANTITY),
    persistentVolumeClaim=exactly("claimName", claimName=NAME, readOnly=FLAG),
)
POD = exactly(
    "spec",
    metadata=exactly(labels=mapped(TEXT), annotations=mapped(TEXT)),
    spec=exactly(
        "containers",
        automountServiceAccountToken=FLAG,
        enableServiceLinks=FLAG,
        serviceAccountName=TEXT,
        nodeSelector=mapped(TEXT),
        securityContext=exactly(
            runAsNonRoot=FLAG, runAsUser=WHOLE, runAsGroup=WHOLE, fsGroup=WHOLE, seccompProfile=SECCOMP
        ),
        containers=some(CONTAINER),
        volumes=some(VOLUME),
    ),
)
META = exactly("name", name=NAME, namespace=NAME, labels=mapped(TEXT), annotations=mapped(TEXT))
RAY_CLUSTER = exactly(
    "headGroupSpec",
    rayVersion=TEXT,
    suspend=FLAG,
    enableInTreeAutoscaling=FLAG,
    authOptions=exactly(mode={"enum": ["disabled", "token"]}, secretName=TEXT, enableK8sTokenAuth=FLAG),
    autoscalerOptions=exactly(
        upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
        idleTimeoutSeconds=WHOLE,
        resources=RESOURCES,
        securityContext=CONFINED,
    ),
    headGroupSpec=exactly("template", rayStartParams=mapped(TEXT), template=POD, serviceType=TEXT),
    workerGroupSpecs=some(
        exactly(
            "groupName",
            "minReplicas",
            "maxReplicas",
            "template",
            groupName=NAME,
            replicas=WHOLE,
            minReplicas=WHOLE,
            maxReplicas=WHOLE,
            idleTimeoutSeconds=WHOLE,
            rayStartParams=mapped(TEXT),
            template=POD,
        )
    ),
)
SELECTOR = exactly(matchLabels=mapped(TEXT))
PEER = exactly(
    podSelector=SELECTOR, namespaceSelector=SELECTOR, ipBlock=exactly("cidr", cidr=TEXT, **{"except": some(TEXT)})
)
PORTS = some(exactly(port=WHOLE, protocol={"enum": ["TCP", "UDP"]}))
POLICY = exactly(
    "podSelector",
    podSelector=SELECTOR,
    policyTypes=some({"enum": ["Ingress", "Egress"]}),
    ingress={"type": "array", "items": exactly(**{"from": some(PEER)}, ports=PORTS)},
    egress={"type": "array", "items": exactly(to=some(PEER), ports=PORTS)},
)
CLAIM = exactly("accessModes", "resources", accessModes=some(TEXT), resources=RESOURCES, storageClassName=TEXT)
SPECS = {
    ("v1", "PersistentVolumeClaim"): CLAIM,
    ("networking.k8s.io/v1", "NetworkPolicy"): POLICY,
    ("ray.io/v1", "RayCluster"): RAY_CLUSTER,
}


def faults(thing: dict[str, Any]) -> list[str]:
    spec = SPECS[thing["apiVersion"], thing["kind"]]
    schema = exactly("apiVersion", "kind", "metadata", "spec", apiVersion=TEXT, kind=TEXT, metadata=META, spec=spec)
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(thing)]


def objects() -> list[dict[str, Any]]:
    return [*yaml.safe_load_all(FILE.read_text())]


@pytest.fixture
def cluster() -> dict[str, Any]:
    (found,) = (one for one in objects() if one["kind"] == "RayCluster")
    return found


def pods(cluster: dict[str, Any]) -> dict[str, dict[str, Any]]:
    head, (workers,) = cluster["spec"]["headGroupSpec"], cluster["spec"]["workerGroupSpecs"]
    return {"head": head["template"]["spec"], "worker": workers["template"]["spec"]}


def test_every_object_of_the_manifest_is_as_its_schema_says() -> None:
    assert [fault for one in objects() for fault in faults(one)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda spec: spec.update(enableInTreeAutoscalling=True),
        lambda spec: spec["workerGroupSpecs"][0].pop("maxReplicas"),
        lambda spec: spec["workerGroupSpecs"][0].update(minReplicas="0"),
        lambda spec: spec["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0}),
        lambda spec: spec["headGroupSpec"]["template"]["spec"].update(readOnlyRootFilesystem=True),
        lambda spec: spec["authOptions"].update(mode="none"),
        lambda spec: spec["headGroupSpec"]["template"]["spec"]["containers"][0]["resources"]["limits"].update(cpu="2x"),
    ],
)
def test_a_fault_in_the_manifest_would_be_found(cluster: dict[str, Any], spoil: Callable[[Any], Any]) -> None:
    spoilt = copy.deepcopy(cluster)
    spoil(spoilt["spec"])
    assert len(faults(spoilt)) == 1


@pytest.mark.parametrize("role", ["head", "worker"])
def test_pods_are_confined(cluster: dict[str, Any], role: str) -> None:
    pod = pods(cluster)[role]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    confined = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["securityContext"] == confined
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert cluster["spec"]["autoscalerOptions"]["securityContext"] == confined


def test_workers_have_no_account_and_reach_nothing_but_their_cluster(cluster: dict[str, Any]) -> None:
    assert pods(cluster)["worker"]["automountServiceAccountToken"] is False
    policies = {one["metadata"]["name"]: one["spec"] for one in objects() if one["kind"] == "NetworkPolicy"}
    ours = {"podSelector": {"matchLabels": {"ray.io/cluster": cluster["metadata"]["name"]}}}
    for policy in policies.values():
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        assert policy["ingress"] == [{"from": [ours]}]
    inside, names = policies["slotforge-workers"]["egress"]
    assert inside == {"to": [ours]}
    assert [(port["port"], port["protocol"]) for port in names["ports"]] == [(53, "UDP"), (53, "TCP")]
    assert policies["slotforge-head"]["egress"][:2] == [inside, names], "addresses do not stand for pods everywhere"
    (block,) = (peer["ipBlock"] for rule in policies["slotforge-head"]["egress"][2:] for peer in rule["to"])
    assert block["except"] == ["169.254.0.0/16"]


@pytest.mark.parametrize("policy", ["slotforge-workers", "slotforge-head"])
def test_a_name_server_of_the_node_is_reached_and_the_metadata_of_the_machine_is_not(policy: str) -> None:
    (spec,) = (one["spec"] for one in objects() if one["metadata"]["name"] == policy)

    def reached(address: str) -> list[list[int]]:
        """Return the ports of the rules that let an address through."""
        return [
            [port["port"] for port in rule.get("ports", [])]
            for rule in spec["egress"]
            for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer)
            if ip_address(address) in ip_network(block["cidr"])
            and not any(ip_address(address) in ip_network(other) for other in block.get("except", []))
        ]

    assert reached("169.254.20.10") == [[53, 53]]
    assert reached("169.254.169.254") == []


def test_no_secret_stands_in_the_manifest_and_ray_asks_for_its_token(cluster: dict[str, Any]) -> None:
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    containers = [container for pod in pods(cluster).values() for container in pod["containers"]]
    assert not any("env" in container or "envFrom" in container for container in containers)


def test_the_versions_are_those_of_slotforge_and_of_its_ray(cluster: dict[str, Any]) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert f'"ray=={cluster["spec"]["rayVersion"]}"' in project
    images = {container["image"] for pod in pods(cluster).values() for container in pod["containers"]}
    (image,) = images
    assert f'version = "{image.rpartition(":")[2]}"' in project
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(rf"-t {re.escape(image)} ", dockerfile)
    assert "g++" in dockerfile
