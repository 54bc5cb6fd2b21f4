"""A reader of server-sent events, of the WHATWG's standard as far as the service uses it."""

import json
from dataclasses import dataclass, field

from neuralearn.models import Event


@dataclass
class EventStream:
    """Makes events of the lines of an answer, and keeps what is needed to go on after the connection broke."""

    last_id: str = ""
    """The sequence number of the last event."""
    is_removed: bool = False
    """True once the dataset was deleted."""
    _data: list[str] = field(default_factory=list)
    _name: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request for what follows."""
        return {"accept": "text/event-stream", **({"last-event-id": self.last_id} if self.last_id else {})}

    def feed(self, line: str) -> Event | None:
        """Take a line; return the event that it completes, if it does."""
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id":
            self.last_id = value
        return None

    def _complete(self) -> Event | None:
        name, data = self._name, "\n".join(self._data)
        self._name, self._data = "", []
        if name == "removed":
            self.is_removed = True
        return Event.from_json(json.loads(data)) if name == "progress" and data else None
