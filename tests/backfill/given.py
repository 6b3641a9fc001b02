"""A QuantConnect of charts in memory, and a clock that only sleeping moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.backfill.asking import Asking
from exporter.clock import Clock
from exporter.quantconnect.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.quantconnect.client import Request

T = TypeVar("T")

MINUTE, HOUR, DAY = 60, 3600, 86_400
MIDNIGHT = 1_795_651_200  # 2026-11-26 00:00 UTC


@dataclass
class Time:
    """Seconds that pass only while somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Charts:
    """Answers live/chart/read from samples, the last of each bucket, and live/list.

    ``answer``, if given, has the first word about a call: its answer, an error, or None.
    """

    equity: Sequence[tuple[float, float]] = ()
    benchmark: Sequence[tuple[float, float]] = ()
    deployments: Sequence[Mapping[str, object]] = ()
    answer: Callable[[str, Mapping[str, Any]], Any] = lambda _endpoint, _parameters: None
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def ask(self, request: Request[T]) -> T | ApiError:
        parameters: Mapping[str, Any] = request.parameters
        self.asked.append((request.endpoint, parameters))
        answer = self.answer(request.endpoint, parameters)
        if isinstance(answer, ApiError):
            return answer
        if answer is None:
            answer = (
                {"live": list(self.deployments)}
                if request.endpoint == "live/list"
                else self._chart(parameters)
            )
        try:
            return request.decode(answer)
        except ApiError as error:
            return error

    def windows(self, name: str = "Strategy Equity") -> list[tuple[int, int, int]]:
        """The windows of a chart that were asked for."""
        return [
            (each["start"], each["end"], each["count"])
            for endpoint, each in self.asked
            if endpoint == "live/chart/read" and each["name"] == name
        ]

    def _chart(self, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        start, end, count = (parameters[name] for name in ("start", "end", "count"))
        series, samples = (
            ("Benchmark", self.benchmark)
            if parameters["name"] == "Benchmark"
            else ("Equity", self.equity)
        )
        width = (end - start) / count
        last = {(at - start) // width: [at, value] for at, value in samples if start <= at <= end}
        return chart(series, list(last.values()))


def chart(series: str, values: Sequence[object]) -> Mapping[str, object]:
    return {"chart": {"series": {series: {"values": values}}}, "success": True}


def asking(client: Charts, time: Time | None = None, *, per_second: float = 1.0) -> Asking:
    time = time or Time()
    return Asking(
        client,
        calls_per_second=per_second,
        clock=Clock(monotonic=lambda: time.now, now=lambda: time.now),
        sleep=time.sleep,
        random=Random(1),
    )
