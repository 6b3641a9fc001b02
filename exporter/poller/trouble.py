"""What goes wrong with an account's own calls: said once, and once that it is well again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.log import Log
from exporter.poller.queue import Kind
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.poller.queue import Task
    from exporter.quantconnect.errors import ApiError
    from exporter.quantconnect.model import Problem

log = Log(__name__)


class Trouble:
    """Logs how the calls go that concern the whole account, and remembers what it said."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._said: dict[Kind, str] = {}
        self._left_out: dict[Task, set[tuple[str, str]]] = {}

    def left_out(self, task: Task, problems: Collection[Problem]) -> None:
        """A listing was read without these things: said once, and again after they were gone."""
        before = self._left_out.pop(task, set())
        now = {(problem.field, problem.where) for problem in problems}
        if now:
            self._left_out[task] = now
        for problem in problems:
            if (problem.field, problem.where) not in before:
                log.warning(
                    "Left out what could not be understood",
                    account=self._account,
                    call=task.kind.name.lower(),
                    where=problem.where,
                    field=problem.field,
                    found=problem.message,
                )

    def ended(self, kind: Kind, error: ApiError | None, *, wait: float) -> None:
        """A call ended; ``wait`` is after how many seconds something is asked again."""
        before = self._said.pop(kind, "")
        call = kind.name.lower()
        if error is None:
            if before:
                log.info("It works again", account=self._account, call=call)
            elif kind is Kind.AUTHENTICATE:
                log.info("QuantConnect accepts the account", account=self._account)
            return
        self._said[kind] = said = f"{error.reason.value}: {error.message}"
        fields = {
            "account": self._account,
            "call": call,
            "reason": error.reason.value,
            "error": error.message,
        }
        if kind is Kind.AUTHENTICATE and error.reason is Reason.AUTH:
            log.error(
                "QuantConnect rejects the user id or the token; check both and this machine's"
                " clock. Nothing is sent until the wait is over, the token changes or the"
                " exporter is restarted, since repeated tries lock the account out",
                **fields,
                wait_seconds=round(wait),
            )
        elif said != before:
            log.warning("A call for the account failed", **fields)
