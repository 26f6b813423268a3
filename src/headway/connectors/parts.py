"""A tool read part by part: what cannot be had of it is noted and told at the end, the rest comes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from headway.connectors.api import Recording
from headway.errors import InputError, Place, ServiceError
from headway.graph.model import Gap, Origin
from headway.remote import Api, Refused

_IN_A_ROW = 3
"""So many parts that fail one after the other are the whole that fails."""
_MOST_EXAMPLES = 3
_ABSENT = frozenset({400, 404, 405, 410})
"""What another version of a tool, without this part of its API, answers."""


class Parts:
    """Asks for the parts of what a tool holds. One use."""

    def __init__(self, api: Api, system: str) -> None:
        self._api = api
        self._system = system
        self._failed: dict[str, list[str]] = defaultdict(list)
        self._row = 0

    def get(self, what: str, path: str, query: Mapping[str, str | int] | None = None, *, optional: bool = False) -> Any:
        """An answer; None, and a note about `what`, for one that cannot be had. `optional`: it need not be there.

        Raises ServiceError where the credentials are refused, or several parts in a row fail: then nothing more is to
        be had.
        """
        try:
            answer = self._api.get(path, query)
        except InputError as error:
            absent = isinstance(self._api, Recording) and self._api.find(path, query) is None
            if not (optional and absent):
                self._failed[what].append(str(error))
            return None
        except ServiceError as error:
            status = error.status if isinstance(error, Refused) else 0
            if optional and status in _ABSENT:
                return None
            if status not in (403, 404):
                self._row += 1
            if status == 401 or self._row >= _IN_A_ROW:
                raise
            self._failed[what].append(error.message)
            return None
        self._row = 0
        return answer

    def note(self, what: str, sentence: str) -> None:
        """Note something about `what` that came and cannot be used."""
        self._failed[what].append(sentence)

    def wrong(self, path: str, expected: str) -> ServiceError | InputError:
        """The error for an answer without which there is nothing, and that is not what was `expected`."""
        if isinstance(self._api, Recording):
            return InputError(f"this is not {expected}", place=Place(f"{self._api.shown}/{path}.json"))
        return ServiceError(f"{self._system}: {path} gave something else than {expected}", hint="is the url right?")

    def gaps(self, connector: str) -> list[Gap]:
        """One gap for each kind of part of which some could not be had, with the first few reasons."""
        found = []
        for what, sentences in self._failed.items():
            more = f" and {len(sentences) - _MOST_EXAMPLES:,} more" if len(sentences) > _MOST_EXAMPLES else ""
            message = f"{what} could not be read: {'; '.join(sentences[:_MOST_EXAMPLES])}{more}"
            found.append(Gap(topic=connector, message=message, origin=Origin(connector=connector)))
        return found
