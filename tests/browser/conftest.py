"""A browser for all tests of this folder, a server for a project on a free port, and what tests ask of a page."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from headway.project import Project

HERE = Path(__file__).parent
AXE = HERE / "vendor" / "axe.min.js"
AXE_DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHROMIUM = Path("/usr/bin/chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)


@contextmanager
def served(project: Project) -> Iterator[str]:
    """The address of a server for this project, on a free port of this machine."""
    import uvicorn

    from headway.web.app import create_app
    from headway.web.current import Current
    from headway.web.running import listen

    with listen("127.0.0.1", 0) as on:
        app = create_app(Current(lambda: project))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", server_header=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [on]}, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started:
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{on.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Project], str]]:
    """`serve(project)`: the address of its server, started once a project."""
    with ExitStack() as stack:
        known: dict[int, tuple[Project, str]] = {}

        def start(project: Project) -> str:
            if id(project) not in known:
                known[id(project)] = (project, stack.enter_context(served(project)))
            return known[id(project)][1]

        yield start


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for the session: the system's, or the one that Playwright installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    with playwright.sync_playwright() as p:
        path = str(CHROMIUM) if CHROMIUM.exists() else None
        try:
            browser = p.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        except playwright.Error as error:
            reason = f"needs Chromium (apt-get install chromium): {str(error).splitlines()[0]}"
            if os.environ.get("HEADWAY_BROWSER") == "required":
                pytest.fail(reason)
            pytest.skip(reason)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """`visit(address, width=1440, theme="light")`: a settled page.

    After the test: no message on the console, no error of a script, no request that failed, none to elsewhere.
    """
    trouble: list[str] = []
    contexts = []

    def go(address: str, *, width: int = 1440, height: int = 900, theme: str = "light", **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme, **options)
        contexts.append(context)
        page = context.new_page()
        origin = "/".join(address.split("/")[:3])
        page.on("console", lambda m: trouble.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda e: trouble.append(f"script: {e}"))
        page.on("requestfailed", lambda r: None if _left(r) else trouble.append(f"failed: {r.url} {r.failure}"))
        page.on("request", lambda r: None if r.url.startswith((origin, "data:")) else trouble.append(f"left: {r.url}"))
        page.on("response", lambda r: trouble.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.goto(address)
        return settled(page)

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


def _left(request: Any) -> bool:
    """Whether a request was only given up because the browser went on to another page."""
    return str(request.failure) == "net::ERR_ABORTED"


def settled(page: Any) -> Any:
    """The page once it is drawn: pages say so by `data-drawn` on the html element."""
    page.wait_for_selector("html[data-drawn]", state="attached", timeout=20_000)
    return page


def violations(page: Any) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA; [] is what a test wants."""
    source = AXE.read_text(encoding="utf-8")
    assert hashlib.sha256(source.encode()).hexdigest() == AXE_DIGEST
    page.evaluate(source)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [f"{v['id']} x{len(v['nodes'])}: {v['nodes'][0]['html'][:160]}" for v in found["violations"]]


def sideways(page: Any) -> int:
    """Pixels by which the page can be scrolled sideways; 0 is what a test wants."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


CUT_OFF = """() => [...document.querySelectorAll('h1, h2, h3, b, th, .chip, td .name, [data-whole]')]
  .filter(e => e.offsetParent && getComputedStyle(e).display !== 'inline'
    && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 3))
  .map(e => e.textContent)"""


def cut_off(page: Any) -> list[str]:
    """Texts that do not fit their box; [] is what a test wants."""
    return list(page.evaluate(CUT_OFF))
