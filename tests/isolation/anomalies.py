"""Cycles in the serialization graph of a history, and their names.

    G0         ww only                                      dirty writes
    G1a, G1b   what was rolled back, or replaced, is seen   (no cycle: see ``WrongReadError``)
    G1c        ww and wr                                    circular information flow
    G-single   with one rw                                  read skew, lost update
    G2-item    with several rw, all of them by key          write skew
    G2         with several rw, one by predicate            phantoms

A cycle that needs real time besides has "-realtime" after its name: such a history is serializable,
but not strictly. A history without any of these is strictly serializable.

Names: Adya, Weak Consistency, chapters 3 and 4; "-realtime": Kingsbury and Alvaro, Elle, VLDB 2020.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tests.isolation.graph import ANTI, Edge, Graph, Kind
from tests.isolation.history import History

_STARTS = 40
"""How many transactions are tried as the beginning of a cycle, to find one with few rw."""

_STAGES = (
    {Kind.WW},
    {Kind.WW, Kind.WR},
    {Kind.WW, Kind.WR, Kind.RW},
    {Kind.WW, Kind.WR, Kind.RW, Kind.PREDICATE_RW},
    set(Kind),
)
"""The worst first."""

Neighbours = dict[int, dict[int, Edge]]
"""One edge, the least bad, to each neighbour."""


@dataclass(frozen=True)
class Anomaly:
    """A cycle: each edge begins where the one before it ends."""

    name: str
    edges: tuple[Edge, ...]
    history: History

    def __str__(self) -> str:
        lines = [f"{self.name}, a cycle of {len(self.edges)} transactions:"]
        for edge in self.edges:
            source, target = self.history[edge.source], self.history[edge.target]
            lines.append(f"  {source} -{edge.kind.value}-> {target}: {edge.reason}")
        return "\n".join(lines)


def find_anomaly(history: History, *, real_time: bool = True) -> Anomaly | None:
    """A cycle, if there is one; of several one that is among the worst.

    Raises WrongReadError for G1a and G1b, and ValueError for what is no history.
    """
    graph = Graph(history, real_time=real_time)
    for kinds in _STAGES:
        neighbours = _neighbours(graph, kinds)
        components = strongly_connected(neighbours)
        if components:
            cycle = _best_cycle(neighbours, components)
            return Anomaly(_name(cycle), tuple(cycle), history)
    return None


def check(history: History, *, real_time: bool = True) -> None:
    """Raise AssertionError, which shows the cycle, unless the history is strictly serializable."""
    anomaly = find_anomaly(history, real_time=real_time)
    assert anomaly is None, str(anomaly)


def _name(cycle: list[Edge]) -> str:
    kinds = [edge.kind for edge in cycle]
    anti = [kind for kind in kinds if kind in ANTI]
    if len(anti) > 1:
        name = "G2" if Kind.PREDICATE_RW in anti else "G2-item"
    elif anti:
        name = "G-single"
    else:
        name = "G1c" if Kind.WR in kinds else "G0"
    return f"{name}-realtime" if Kind.REAL_TIME in kinds else name


def _neighbours(graph: Graph, kinds: set[Kind]) -> Neighbours:
    neighbours: Neighbours = defaultdict(dict)
    for (source, target), edges in graph.edges.items():
        known = [edges[kind] for kind in Kind if kind in kinds and kind in edges]
        if known:
            neighbours[source][target] = min(known, key=_weight)
    return neighbours


def _weight(edge: Edge) -> int:
    """How much there is against having this edge in a cycle that is shown."""
    return {Kind.RW: 1, Kind.PREDICATE_RW: 1, Kind.REAL_TIME: 2}.get(edge.kind, 0)


def strongly_connected(neighbours: Neighbours) -> list[set[int]]:
    """The sets of nodes each of which reaches all others of its set; those of one node left out.

    Kosaraju's algorithm: a search backwards, in the reverse order in which a search forwards has
    left the nodes, stays in one component.
    """
    backwards: dict[int, list[int]] = defaultdict(list)
    for source, targets in neighbours.items():
        for target in targets:
            backwards[target].append(source)
    components = []
    done: set[int] = set()
    for root in reversed(_by_departure(neighbours)):
        if root not in done:
            component = _reached(root, backwards, done)
            if len(component) > 1:
                components.append(component)
    return components


def _by_departure(neighbours: Neighbours) -> list[int]:
    """All nodes in the order in which a depth-first search leaves them."""
    left: list[int] = []
    seen: set[int] = set()
    for root in list(neighbours):
        if root in seen:
            continue
        seen.add(root)
        path = [(root, iter(neighbours[root]))]
        while path:
            node, rest = path[-1]
            following = next((n for n in rest if n not in seen), None)
            if following is None:
                left.append(node)
                path.pop()
            else:
                seen.add(following)
                path.append((following, iter(neighbours.get(following, ()))))
    return left


def _reached(root: int, edges: dict[int, list[int]], done: set[int]) -> set[int]:
    """The nodes that are reached from ``root`` and are not done, which they are now."""
    reached, waiting = {root}, [root]
    done.add(root)
    while waiting:
        for node in edges[waiting.pop()]:
            if node not in done:
                done.add(node)
                reached.add(node)
                waiting.append(node)
    return reached


def _best_cycle(neighbours: Neighbours, components: list[set[int]]) -> list[Edge]:
    """A cycle with few anti-dependencies, and among these a short one."""
    starts = [(part, start) for part in sorted(components, key=len) for start in sorted(part)]
    return min((_cycle(neighbours, *start) for start in starts[:_STARTS]), key=_cost)


def _cost(edges: Iterable[Edge]) -> tuple[int, int]:
    weights = [_weight(edge) for edge in edges]
    return sum(weights), len(weights)


def _cycle(neighbours: Neighbours, component: set[int], start: int) -> list[Edge]:
    """The cheapest way from ``start`` back to it (Dijkstra's algorithm)."""
    best: dict[int, Edge] = {}
    waiting: list[tuple[int, int, int, int, Edge | None]] = [(0, 0, start, start, None)]
    while waiting:
        weight, length, node, _, edge = heapq.heappop(waiting)
        if node in best or (edge is not None and node not in component):
            continue
        if edge is not None:
            best[node] = edge
            if node == start:
                break
        for target, following in neighbours[node].items():
            if target not in best:
                cost = weight + _weight(following)
                heapq.heappush(waiting, (cost, length + 1, target, node, following))
    return _trace(best, start)


def _trace(best: dict[int, Edge], start: int) -> list[Edge]:
    edges = [best[start]]
    while edges[-1].source != start:
        edges.append(best[edges[-1].source])
    return edges[::-1]
