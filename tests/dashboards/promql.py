"""Which labels a PromQL expression has, and whether every name in it exists.

`Series` knows the labels of what Prometheus holds: the exporter's catalogue, what our recording
rules add to it and what Prometheus itself adds. `Series.labels(expr)` walks an expression and says
which labels its result has; a metric or label that nothing provides is an `UnknownNameError`.
"""

from __future__ import annotations

from functools import cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql
import yaml

from exporter.sources import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

RULES = Path(__file__).resolve().parents[2] / "prometheus" / "rules"

Labels = frozenset[str]
ANY: Final = None  # labels that cannot be known: a record that refers to itself
TARGET: Labels = frozenset({"job", "instance"})

# What is there besides the catalogue: Prometheus's own series of a target, and those that
# prometheus-client publishes about every Python process.
BESIDES: dict[str, Labels | None] = {
    "up": TARGET,
    "scrape_duration_seconds": TARGET,
    "scrape_samples_scraped": TARGET,
    "process_cpu_seconds_total": TARGET,
    "process_resident_memory_bytes": TARGET,
    "process_start_time_seconds": TARGET,
}

Op = promql.VectorMatchCardinality
_FILTERS = frozenset({"and", "unless", ">", "<", "==", "!=", ">=", "<="})


class UnknownNameError(ValueError):
    """A metric or label that is not there."""


@cache
def rules(kind: str) -> Sequence[dict[str, Any]]:
    """All rules of the kind, `record` or `alert`."""
    return [
        rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["groups"]
        for rule in group["rules"]
        if kind in rule
    ]


def selectors(expr: promql.Expr) -> list[promql.VectorSelector]:
    """Every selector in `expr`, also those within range selectors and subqueries."""
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        for child in children(node):
            visit(child)

    visit(expr)
    return found


def children(node: Any) -> Iterable[promql.Expr]:
    """The expressions that `node` is made of, a range selector's own selector not."""
    if isinstance(node, promql.BinaryExpr):
        return (node.lhs, node.rhs)
    if isinstance(node, promql.Call):
        return node.args
    if isinstance(node, promql.AggregateExpr):
        param = (node.param,) if isinstance(node.param, promql.Expr) else ()
        return (node.expr, *param)
    if isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        return (node.expr,)
    return ()


class Series:
    """The series that there are, by name, with their labels."""

    def __init__(self) -> None:
        self._metrics: dict[str, Labels | None] = dict(BESIDES)
        self.open: set[str] = set()
        for family in CATALOGUE:
            labels = frozenset(family.labels) | TARGET
            if family.open_labels:
                self.open.add(family.name)
            if family.type == "histogram":
                self._metrics[f"{family.name}_bucket"] = labels | {"le"}
                self._metrics |= {f"{family.name}_{part}": labels for part in ("sum", "count")}
            else:
                self._metrics[family.name] = labels
        self._metrics["ALERTS"] = ANY
        records = list(rules("record"))
        self._metrics |= {rule["record"]: ANY for rule in records}
        for rule in records:
            found = _union(self.labels(promql.parse(rule["expr"])), _static(rule))
            self._metrics[rule["record"]] = _union(self._metrics[rule["record"]], found)
        alerts = [
            _union(self.labels(promql.parse(rule["expr"])), _static(rule))
            for rule in rules("alert")
        ]
        own: Labels | None = frozenset({"alertname", "alertstate"})
        self._metrics["ALERTS"] = reduce(_union, alerts, own)

    def __contains__(self, name: str) -> bool:
        return name in self._metrics

    def labels(self, expr: promql.Expr) -> Labels | None:
        """The labels of the result of `expr`; none for a scalar, ANY if they can't be known."""
        match expr:
            case promql.VectorSelector():
                return self._selected(expr)
            case promql.MatrixSelector():
                return self._selected(expr.vector_selector)
            case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
                return self.labels(expr.expr)
            case promql.AggregateExpr():
                return self._aggregated(expr)
            case promql.BinaryExpr():
                return self._joined(expr)
            case promql.Call():
                return self._called(expr)
            case _:
                return frozenset()

    def _selected(self, selector: promql.VectorSelector) -> Labels | None:
        name = selector.name
        if name is None or name not in self._metrics:
            raise UnknownNameError(f"there is no series {name!r}")
        labels = self._metrics[name]
        _need((matcher.name for matcher in selector.matchers.matchers), labels, name)
        return labels

    def _aggregated(self, expr: promql.AggregateExpr) -> Labels | None:
        inner = self.labels(expr.expr)
        kept = str(expr.op) in {"topk", "bottomk"}
        if expr.modifier is None:
            return inner if kept else frozenset()
        _need(expr.modifier.labels, inner, expr.prettify())
        named: Labels = frozenset(expr.modifier.labels)
        if kept:
            return inner
        if str(expr.op) == "count_values":
            assert isinstance(expr.param, promql.StringLiteral)
            named |= {expr.param.val}
        if expr.modifier.type == promql.AggModifierType.By:
            return named
        return ANY if inner is ANY else inner - named

    def _joined(self, expr: promql.BinaryExpr) -> Labels | None:
        left, right = self.labels(expr.lhs), self.labels(expr.rhs)
        modifier = expr.modifier
        on = _on(modifier)
        _need(on or (), left, expr.lhs.prettify())
        _need(on or (), right, expr.rhs.prettify())
        if modifier is not None and modifier.card in (Op.ManyToOne, Op.OneToMany):
            many, one = (left, right) if modifier.card == Op.ManyToOne else (right, left)
            _need(modifier.group_labels or (), one, expr.prettify())
            return _union(many, frozenset(modifier.group_labels or ()))
        if str(expr.op) == "or":
            return _union(left, right)
        if _is_number(expr.lhs):
            return right
        return left if on is None or str(expr.op) in _FILTERS else on

    def _called(self, call: promql.Call) -> Labels | None:
        found = [self.labels(arg) for arg in call.args if not _is_number(arg)]
        labels = found[0] if found else frozenset()
        if call.func.name in {"label_replace", "label_join"}:
            target = call.args[1]
            assert isinstance(target, promql.StringLiteral)
            return _union(labels, frozenset({target.val}))
        if call.func.name == "histogram_quantile":
            return found[-1] if found[-1] is ANY else found[-1] - {"le"}
        if call.func.name in {"absent", "vector"}:
            return frozenset()
        return labels


def _on(modifier: promql.BinModifier | None) -> Labels | None:
    """The labels of `on (...)`, None where there is none."""
    matching = None if modifier is None else modifier.matching
    if matching is None or matching.type != promql.LabelModifierType.Include:
        return None
    return frozenset(matching.labels)


def _need(names: Iterable[str], labels: Labels | None, where: str) -> None:
    if labels is not ANY and (missing := set(names) - labels):
        raise UnknownNameError(f"no label {', '.join(sorted(missing))} in {where}")


def _union(one: Labels | None, other: Labels | None) -> Labels | None:
    if one is ANY:
        return other
    return one if other is ANY else one | other


def _static(rule: Mapping[str, Any]) -> Labels:
    return frozenset(rule.get("labels", {}))


def _is_number(expr: promql.Expr) -> bool:
    if isinstance(expr, promql.ParenExpr | promql.UnaryExpr):
        return _is_number(expr.expr)
    if isinstance(expr, promql.Call):
        return expr.func.name in {"time", "scalar"}
    return isinstance(expr, promql.NumberLiteral | promql.StringLiteral)
