"""Keys of a broker, for whoever buries by hand."""

from schemas.sealing import Key
from streams.keychain import day_of, nonce
from streams.keys import Keyring
from streams.settings import Settings


class BrokerKeys:
    """As a worker has them, without its thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._day: Key | None = None

    def of(self, person: str) -> Key | None:
        with Keyring(self._settings) as ring:
            ring.refresh()
            return ring.chain.of(person)

    def today(self) -> Key:
        if self._day is None:
            with Keyring(self._settings) as ring:
                self._day = ring.key_of(day_of(0))
        return self._day

    nonce = staticmethod(nonce)
