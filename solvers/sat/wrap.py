"""The C++ around policies: what makes a translation unit of their sources."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import struct_name

FILE = "candidate"
"""What the compiler calls a policy's source in its messages, followed by `_SLOT` where there are several."""

STATE = 1 << 18
"""Bytes that a policy's members may take."""

HEADER = """\
#include "slotforge/slot.hpp"
#include <limits>
"""
"""What every shared object includes, before all else."""

PLUGIN = """\
#include "slots/{slot}.hpp"
#include <limits>
namespace candidate {{
using namespace slotforge;
using namespace slotforge::slots::{slot};
#line 1 "{file}"
{source}
static_assert(sizeof({name}) <= {state}, "the policy's members take more than {state} bytes");
#line 1 "wrapper"
}}
namespace {{
using Called = slotforge::slots::{slot}::Signature;
}}
extern "C" {{
extern __attribute__((visibility("default"))) const slotforge::Plugin<Called> slotforge_plugin;
constinit const slotforge::Plugin<Called> slotforge_plugin =
    slotforge::plugin<candidate::{name}, Called>("{slot}", "{file}");
}}
"""

SOURCE = """\
namespace candidate_sources::{slot} {{
using namespace slotforge;
using namespace slotforge::slots::{slot};
#line 1 "{file}_{slot}"
{source}
#line 1 "wrapper"
}}
"""

CHOICE = 'struct {slot} {{ using Policy = {policy}; static constexpr const char *name = "{name}"; }};'


def plugin(slot: str, source: str) -> str:
    """The translation unit of a shared object that exports one policy as `slotforge_plugin`."""
    return PLUGIN.format(slot=slot, source=source, name=struct_name(source), file=FILE, state=STATE)


def fused(sources: Mapping[str, str]) -> str:
    """The header candidate_policies.hpp that names a policy for every slot: see `engine/fused/fused.cpp`.

    Args:
        sources: of policies by slot; the other slots have their defaults.
    """
    lines = ["#pragma once", *(f'#include "slots/{slot}.hpp"' for slot in slots()), "#include <limits>"]
    lines.append('#include "checked.hpp"')
    lines += [SOURCE.format(slot=slot, source=source, file=FILE) for slot, source in sorted(sources.items())]
    lines.append("namespace slotforge::candidate {")
    for slot, known in slots().items():
        name = struct_name(sources.get(slot, known.default))
        policy = f"candidate_sources::{slot}::{name}" if slot in sources else f"slotforge::slots::{slot}::{name}"
        lines.append(CHOICE.format(slot=slot, policy=policy, name=name))
    return "\n".join([*lines, "}", ""])
