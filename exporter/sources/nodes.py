"""projects/nodes/read: the live nodes of an organization, by whether they are busy.

Names, users and projects of the nodes are never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from exporter.metrics.table import Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.fields import (
    Problem,
    folded,
    mapping,
    problem,
    refuse_unready,
    sequence,
)
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter import config
    from exporter.sources.source import Known


class Nodes(Struct, frozen=True):
    """The number of live nodes."""

    busy: int
    free: int
    problems: tuple[Problem, ...]


def decode_nodes(payload: Mapping[str, object]) -> Nodes:
    """Return the live nodes of an answer of projects/nodes/read.

    A node without ``busy`` is left out. Raises ApiError: not_ready when there are no ``nodes`` or
    no live ones, malformed when they are not a list.
    """
    endpoint = Endpoint.PROJECTS_NODES_READ
    answer = folded(payload)
    refuse_unready(answer, "nodes", endpoint)
    nodes = folded(mapping(answer["nodes"], f"{endpoint}: nodes"))
    refuse_unready(nodes, "live", f"{endpoint}: nodes")
    problems: list[Problem] = []
    counts = {True: 0, False: 0}
    for index, entry in enumerate(sequence(nodes["live"], f"{endpoint}: nodes.live")):
        where = f"nodes.live[{index}]"
        if not isinstance(entry, dict):
            problems.append(Problem("other", where, "expected an object"))
            continue
        is_busy = folded(entry).get("busy")
        if isinstance(is_busy, bool):
            counts[is_busy] += 1
        else:
            problems.append(problem("busy", where, is_busy, "true or false"))
    return Nodes(counts[True], counts[False], tuple(problems))


LIVE_NODES: Table[tuple[str, int]] = Table(
    title="Live nodes",
    series="2 series for each account: busy `true` and `false`.",
    key=lambda item: item[0],
    labels=lambda item, _: {"busy": item[0]},
    columns=(
        Column(
            Family(
                "quantconnect_account_live_nodes",
                "Live nodes of the organization of the account's first project, by whether an"
                " algorithm runs on them. Source: projects/nodes/read, field busy of nodes.live."
                " Read every nodes_interval.",
                ("account", "busy"),
            ),
            lambda item: item[1],
        ),
    ),
)


def _request(
    project: config.ProjectSettings, _: config.Config, _known: Known[Nodes]
) -> Request[Nodes]:
    return Request(Endpoint.PROJECTS_NODES_READ, {"projectId": project.id}, decode_nodes)


NODES: Source[Nodes] = Source(
    name="nodes",
    request=_request,
    interval=lambda _, settings: settings.nodes_interval,
    families=(
        Families(LIVE_NODES, lambda nodes, _: [("true", nodes.busy), ("false", nodes.free)]),
    ),
    every="`nodes_interval`",
    delay="none",
)
