"""The API token of an account, which may change while the exporter runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.config import ConfigError
from exporter.log import Log

if TYPE_CHECKING:
    from exporter.config import Account, Secret
    from exporter.quantconnect.client import QuantConnect

log = Log(__name__)

UNREADABLE: Final = "The token cannot be read, the last one stays in use"


class Credentials:
    """Keeps the client's token in step with its file.

    ``used`` is the token that the client signs with. Not safe for threads, but for ``has_changed``.
    """

    def __init__(self, account: Account, client: QuantConnect, *, used: Secret) -> None:
        self._account = account
        self._client = client
        self._used = used

    def configure(self, account: Account) -> bool:
        """Use another source for the token; return True if the token differs."""
        self._account, before = account, self._used
        self.renew()
        return self._used != before

    def renew(self) -> None:
        """Use the token in the file; keep the last one if it cannot be read."""
        try:
            self._used = self._account.token.read()
        except ConfigError as error:
            log.warning(UNREADABLE, account=self._account.name, error=str(error))
        self._client.use_token(self._used.reveal())

    def has_changed(self) -> bool:
        """Return True if the file has a token other than the one in use."""
        try:
            return self._account.token.read() != self._used
        except ConfigError:
            return False  # renew() logs it
