"""Where scans and activity events come from: the admin API of Power BI, or files with its answers.

An application signs in with its secret (OAuth 2.0 client credentials, RFC 6749, section 4.4): one request, so that no
vendor's package is needed. The admin API allows so many requests an hour; they are spread, not thrown against it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote, unquote

from headway.connectors.fields import each, number, text
from headway.errors import ServiceError
from headway.remote import Client, Refused

BATCH = 100
"""Workspaces of one scan: as many as the scanner API takes."""
ADMIN = "v1.0/myorg/admin"
ACTIVITIES = ("viewreport", "viewdashboard")
"""What is asked for, one at a time: the API's filter knows no `or`."""
_SCAN = "lineage=True&datasourceDetails=True&datasetSchema=True&datasetExpressions=True&getArtifactUsers=True"
_HOUR = 3600.0
_LONGEST_SCAN = 1800.0
_MOST_PAGES = 5_000
_RENEW = 300.0
"""Seconds before its end at which a token is renewed."""
_LATER = 300.0
"""Seconds to wait when the API says that it was asked too often."""


class Exhausted(ServiceError):
    """More waiting would be needed than is sane."""


@dataclass
class Pace:
    """No more than `most` requests in any hour, and no more than `waits` hours of waiting."""

    most: int
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    progress: Callable[[str, int, int], None]
    waits: float = 2.0
    _asked: deque[float] = field(default_factory=deque)
    _waited: float = 0.0

    def turn(self) -> None:
        """Wait until another request may be made. Raises Exhausted."""
        now = self.monotonic()
        while self._asked and now - self._asked[0] >= _HOUR:
            self._asked.popleft()
        if len(self._asked) >= self.most:
            self.wait(_HOUR - (now - self._asked[0]), f"Power BI allows {self.most} requests an hour: waiting")
            self._asked.popleft()
        self._asked.append(self.monotonic())

    def wait(self, seconds: float, why: str) -> None:
        """Wait, and say why. Raises Exhausted."""
        if self._waited + seconds > self.waits * _HOUR:
            raise Exhausted(f"Power BI: reading on would take more than {self.waits:g} hours of waiting")
        self._waited += seconds
        self.progress(f"{why} {seconds:,.0f} seconds", len(self._asked), self.most)
        self.sleep(seconds)


@dataclass
class Service:
    """The admin API, asked as an application. Use it in a with block."""

    api: Client
    login: Client
    tenant: str
    application: str
    secret: str
    scope: str
    personal: bool
    """Personal workspaces are scanned too."""
    pace: Pace
    problems: list[ServiceError] = field(default_factory=list)
    """Scans that failed while others did not."""
    _renew_at: float = 0.0

    def __enter__(self) -> Service:
        self.api.__enter__()
        self.login.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.api.headers.pop("Authorization", None)
        self.api.__exit__()
        self.login.__exit__()

    # --- asking

    def _signed_in(self) -> None:
        """See that there is a token that is good for some minutes. Raises ServiceError."""
        if "Authorization" in self.api.headers and self.api.monotonic() < self._renew_at:
            return
        form = {
            "grant_type": "client_credentials",
            "client_id": self.application,
            "client_secret": self.secret,
            "scope": self.scope,
        }
        path = f"{quote(self.tenant)}/oauth2/v2.0/token"
        try:
            answer = self.login.decoded(self.login.request("POST", path, data=form), path)
        except Refused as error:
            if error.status in {400, 401}:
                hint = "are tenant and client right, and is the secret still good?"
                raise ServiceError(f"Power BI: signing in was refused ({error.status})", hint=hint) from None
            raise
        token = text(answer, "access_token")
        if not token:
            raise ServiceError("Power BI: signing in gave no token", hint="is the option login right?")
        self.api.headers["Authorization"] = f"Bearer {token}"
        self._renew_at = self.api.monotonic() + (number(answer, "expires_in") or _HOUR) - _RENEW

    def _asked(self, method: str, path: str, **more: Any) -> Any:
        """The answer of the admin API. Raises ServiceError."""
        for last in (False, True):
            self._signed_in()
            try:
                return self.api.decoded(self.api.request(method, f"{ADMIN}/{path}", **more), path)
            except Refused as error:
                if last or error.status != 429:
                    raise
            self.pace.wait(_LATER, "Power BI was asked too often: waiting")
        raise AssertionError  # the last attempt returns or raises

    # --- scans

    def scans(self) -> Iterator[Mapping[str, Any]]:
        """The results of scans of all workspaces; `problems` has what failed. Raises ServiceError where all did."""
        personal = "False" if self.personal else "True"
        path = f"workspaces/modified?excludePersonalWorkspaces={personal}&excludeInActiveWorkspaces=True"
        answer = self._asked("GET", path)
        if not isinstance(answer, list):
            raise ServiceError("Power BI: the list of workspaces is none", hint="is the url right?")
        workspaces = [text(one, "id") or text(one, "Id") for one in answer if isinstance(one, dict)]
        workspaces = list(dict.fromkeys(filter(None, workspaces)))
        good = 0
        for start in range(0, len(workspaces), BATCH):
            self.api.progress("Power BI: scanning workspaces", start, len(workspaces))
            try:
                result = self._scan(workspaces[start : start + BATCH])
            except ServiceError as error:
                self.problems.append(error)
                continue
            good += 1
            yield result
        if self.problems and not good:
            raise self.problems[0]

    def _scan(self, workspaces: Sequence[str]) -> Mapping[str, Any]:
        begun = self._asked("POST", f"workspaces/getInfo?{_SCAN}", json={"workspaces": list(workspaces)})
        scan, pause, waited = text(begun, "id"), 2.0, 0.0
        if not scan:
            raise ServiceError("Power BI: a scan was not begun")
        while (status := text(self._asked("GET", f"workspaces/scanStatus/{quote(scan)}"), "status")) != "Succeeded":
            if status not in {"NotStarted", "Running"} or waited > _LONGEST_SCAN:
                said = "takes longer than half an hour" if waited > _LONGEST_SCAN else "failed"
                raise ServiceError(f"Power BI: the scan of {len(workspaces)} workspaces {said}")
            self.api.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 30.0)
        result = self._asked("GET", f"workspaces/scanResult/{quote(scan)}")
        if not isinstance(result, dict) or "workspaces" not in result:
            raise ServiceError("Power BI: the result of a scan is none")
        return result

    # --- activity

    def events(self, day: date) -> list[Mapping[str, Any]]:
        """Views of one day, in UTC. Raises ServiceError."""
        found: list[Mapping[str, Any]] = []
        for activity in ACTIVITIES:
            query: Mapping[str, str] | None = {
                "startDateTime": f"'{day}T00:00:00.000Z'",
                "endDateTime": f"'{day}T23:59:59.999Z'",
                "$filter": f"Activity eq '{activity}'",
            }
            for _ in range(_MOST_PAGES):
                self.pace.turn()
                answer = self._asked("GET", "activityevents", params=query)
                if not isinstance(answer, dict):
                    raise ServiceError("Power BI: activity events are none", hint="is the url right?")
                found += each(answer, "activityEventEntities")
                token = text(answer, "continuationToken")
                if not token:
                    break
                # The token comes as it goes into a URL; httpx quotes it again unless it is unquoted first.
                query = {"continuationToken": f"'{unquote(token)}'"}
            else:
                raise ServiceError("Power BI: the pages of activity events do not come to an end")
        return found
