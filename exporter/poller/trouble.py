"""What goes wrong with an account's own calls: said once, and once that it is well again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exporter.log import Log
from exporter.poller.complaint import Complaint, LeftOut
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
        self.account = account
        self._complaints = {kind: Complaint() for kind in Kind}
        self._left_out: defaultdict[Task, LeftOut] = defaultdict(LeftOut)

    def left_out(self, task: Task, problems: Collection[Problem]) -> None:
        """A listing was read without these things: said once, and again after they were gone."""
        if task in self._left_out and not problems:
            log.info(
                "Everything can be understood again",
                account=self.account,
                call=task.kind.name.lower(),
            )
        for problem in self._left_out[task].news(problems):
            log.warning(
                "Left out what could not be understood",
                account=self.account,
                call=task.kind.name.lower(),
                where=problem.where,
                field=problem.field,
                found=problem.message,
            )
        if not problems:
            del self._left_out[task]

    def ended(self, kind: Kind, error: ApiError | None, *, wait: float) -> None:
        """A call ended; ``wait`` is after how many seconds something is asked again."""
        complaint = self._complaints[kind]
        call = kind.name.lower()
        if error is None:
            if complaint.ended():
                log.info("It works again", account=self.account, call=call)
            elif kind is Kind.AUTHENTICATE:
                log.info("QuantConnect accepts the account", account=self.account)
            return
        news = complaint.is_news(error)
        fields = {
            "account": self.account,
            "call": call,
            "reason": error.reason.value,
            "error": error.message,
        }
        if kind is Kind.AUTHENTICATE and error.reason is Reason.AUTH:
            log.error(
                "QuantConnect rejects the user id or the token; check both and this machine's"
                " clock. Nothing is sent until the wait is over, the token changes or a"
                " reload asks for it, since repeated tries lock the account out",
                **fields,
                wait_seconds=round(wait),
            )
        elif news:
            log.warning("A call for the account failed", **fields)
