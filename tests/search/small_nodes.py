"""Nodes for Ray's autoscaler, which is a process of its own: processes of this machine, sized as their type says."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest.mock import patch

from ray._private import parameter
from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider


class Provider(FakeMultiNodeProvider):
    """Ray's own provider for tests, which cannot start a node whose type says how much memory it has."""

    def _create_node_with_resources_and_labels(
        self, node_config: Any, tags: Any, count: Any, resources: dict[str, Any], labels: Any
    ) -> None:
        others = {name: amount for name, amount in resources.items() if name != "memory"}
        sized = partial(parameter.RayParams, memory=resources["memory"])
        with self.lock, patch.object(parameter, "RayParams", sized):
            super()._create_node_with_resources_and_labels(node_config, tags, count, others, labels)
