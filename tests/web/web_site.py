"""A shop that is served: with people of every role, with a store, and with names that attack whoever shows them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from headway.config import ROLES
from headway.project import Project
from headway.project.tokens import make
from headway.web.access.setup import Access
from headway.web.app import create_app
from headway.web.connection import Impatient
from headway.web.current import Current
from headway.web.running import listen, server_of
from headway.web.schedule import Schedule
from shop import SETTINGS, write_shop

BASE = "http://127.0.0.1:8484"
SECRET = "a secret that is long enough for a test of sessions"
TOKENS = "serve: {auth: [tokens]}\n"
PROXY = """\
serve:
  auth: [proxy]
  trusted_proxies: [10.1.0.0/16]
  roles: {admin: ["ana@example.com"], editor: ["group:analytics"], stakeholder: ["*@example.com"]}
"""


@dataclass
class Site:
    """A served project."""

    folder: Path
    current: Current
    app: FastAPI
    access: Access
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, role: str = "", *, peer: str = "127.0.0.1", base: str = BASE, **headers: str) -> TestClient:
        """A client, with the token of a role where one is named."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if role:
            given["authorization"] = f"Bearer {self.tokens[role]}"
        return TestClient(
            self.app,
            base_url=base,
            headers=given,
            client=(peer, 50000),
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    def writer(self, **headers: str) -> TestClient:
        """A client where nobody has to sign in, with the token that writes need."""
        client = self.client(**headers)
        client.headers["x-csrf-token"] = client.get("/api/me").json()["token"]
        return client


def site(folder: Path, serve: str = "", *, sync: bool = True, schedule: Schedule | None = None, **written: Any) -> Site:
    """The shop, served as a section of its headway.yml says; synced into a store unless told otherwise."""
    settings = written.pop("settings", SETTINGS)
    write_shop(folder, settings=settings + serve, **written)
    environment = {"HEADWAY_SESSION_SECRET": SECRET}

    def reopen() -> Project:
        return Project.open(folder, environment=environment)

    project = reopen()
    if sync:
        project.sync(evaluate=False)
    current = Current(reopen, every=0.0)
    access = Access.of(project.config.serve, project)
    made = {}
    if "tokens" in project.config.serve.auth:
        for role in ROLES:
            made[role], _ = make(folder, f"{role}-bot", role, now=datetime.now(UTC))
    return Site(folder, current, create_app(current, access, schedule=schedule), access, made)


@contextmanager
def running(app: FastAPI, connection: type[Impatient] = Impatient) -> Iterator[int]:
    """The application on a free loopback port, in a thread; gives the port."""
    with listen("127.0.0.1", 0) as on:
        server: uvicorn.Server = server_of(app, connection=connection)
        thread = Thread(target=server.run, kwargs={"sockets": [on]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield on.getsockname()[1]
        server.should_exit = True
        thread.join(10)
