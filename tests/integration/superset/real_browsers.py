"""Chromium, signed in as somebody, that opens pages of a real Superset and waits until Superset's log tells of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest
from real_superset import PASSWORD, RealSuperset

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_WAIT = 180.0
"""Seconds until a page has to be there and told of: ten times and more of what a calm machine takes."""
_SHOWN = ("mount_dashboard", "mount_explorer", "load_chart")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of this machine, else Playwright's own. It knows no other host than this one."""
    from playwright.sync_api import sync_playwright

    own = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=own, args=[nowhere])
        yield browser
        browser.close()


@dataclass(frozen=True)
class Told:
    """A row of Superset's log that a browser made."""

    key: int
    user: int | None
    event: str
    at: datetime
    address: str
    said: dict[str, Any]


class Log:
    """What browsers told Superset, from its database."""

    def __init__(self, server: RealSuperset) -> None:
        self._file = server.metadata

    def rows(self, after: int = 0) -> list[Told]:
        """Rows with a key above `after`, of browsers showing something, oldest first."""
        statement = "SELECT id, user_id, dttm, referrer, json FROM logs WHERE action = 'log' AND id > ? ORDER BY id"
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=30)) as database:
            found = database.execute(statement, (after,)).fetchall()
        told = []
        for key, user, at, address, text in found:
            said = json.loads(text)
            moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
            told.append(Told(key, user, said.get("event_name", ""), moment, address or "", said))
        return [row for row in told if row.event in _SHOWN]


@dataclass
class Person:
    """Somebody with a browser of their own: all of Superset's pages in it are one session. `user` 0: no user."""

    server: RealSuperset
    context: BrowserContext
    folder: Path
    """For pictures of what went wrong."""
    user: int = 0
    heard: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._log, self._troubles = Log(self.server), list[str]()
        self._last = max((row.key for row in self._log.rows()), default=0)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(_WAIT * 1000)
        self.page.on("pageerror", lambda error: self._troubles.append(str(error)[:300]))
        self.page.on("console", lambda said: said.type == "error" and self._troubles.append(said.text[:300]))

    def signs_in(self, name: str) -> None:
        """Through the login page."""
        self.page.goto(f"{self.server.url}/login/", wait_until="domcontentloaded")
        self.page.fill("#username", name)
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        # from there one is sent on once more: pages before the last are gone in a moment
        # and `load` may wait for a picture that never comes, so the menu says when the page is there
        self.page.wait_for_url(lambda url: url.endswith("/superset/welcome/"), wait_until="commit")
        self.page.get_by_role("menuitem", name="Dashboards").wait_for()

    def loads(self, path: str, **events: int) -> None:
        """A page from the server, or one of somebody else by its address."""
        self.page.goto(urljoin(self.server.url, path))
        self.waits(**events)

    def reloads(self, **events: int) -> None:
        self.page.reload()
        self.waits(**events)

    def follows(self, title: str, **events: int) -> None:
        """To a dashboard through the list of dashboards, without loading a page."""
        menu = self.page.get_by_role("menuitem", name="Dashboards")
        menu.wait_for()
        loaded = self.page.evaluate("performance.timeOrigin")
        menu.click()
        self.page.wait_for_url(lambda url: "/dashboard/list/" in url)
        self.page.get_by_role("link", name=title, exact=True).click()
        self.waits(**events)
        assert self.page.evaluate("performance.timeOrigin") == loaded, "a page was loaded"

    def edits(self) -> None:
        """Switch the dashboard that is shown to edit mode."""
        self.page.get_by_role("button", name="Edit dashboard").click()
        self.page.get_by_role("button", name="Discard").wait_for()

    def loads_unheard(self, path: str) -> int:
        """A page whose events Superset refuses; the status that it refuses them with."""
        with self.page.expect_response(lambda answer: "/superset/log/" in answer.url) as answered:
            self.page.goto(urljoin(self.server.url, path))
        return answered.value.status

    def waits(self, **events: int) -> None:
        """Until the log has so many new rows of each event from this person, which go to `heard`; no others come."""
        until, want = time.monotonic() + _WAIT, Counter(events)
        while True:
            new = [row for row in self._log.rows(self._last) if (row.user or 0) == self.user]
            if (have := Counter(row.event for row in new)) >= want:
                break
            if time.monotonic() > until:
                picture = self.folder / f"{self.user}-{self._last}.png"
                self.page.screenshot(path=picture)
                pytest.fail(f"{self.page.url} told {dict(have)}, not {dict(want)}: {picture}, {self._troubles[-5:]}")
            self.page.wait_for_timeout(200)
        assert have == want, f"{self.page.url} told {dict(have)}, not {dict(want)}"
        self._last = new[-1].key
        self.heard += new


@contextmanager
def page_outside(embedded: str, token: str) -> Iterator[str]:
    """The address of a page of somebody else that embeds a dashboard, and hands it the token of a guest."""
    page = """<!doctype html><title>Tea shop</title><iframe id="shown" width="1000" height="600"></iframe><script>
    const frame = document.getElementById("shown");
    frame.addEventListener("load", () => {
      const ports = new MessageChannel();
      const hello = {type: "__embedded_comms__", handshake: "port transfer"};
      frame.contentWindow.postMessage(hello, "*", [ports.port2]);
      ports.port1.start();
      ports.port1.postMessage({switchboardAction: "emit", method: "guestToken", args: {guestToken: TOKEN}});
    });
    frame.src = SOURCE;
    </script>"""
    body = page.replace("TOKEN", json.dumps(token)).replace("SOURCE", json.dumps(embedded)).encode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}/"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(5)
