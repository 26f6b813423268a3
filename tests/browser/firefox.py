"""Firefox without a driver: its own remote protocol (Marionette) over a socket, as far as tests use it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FOUND = shutil.which("firefox-esr") or shutil.which("firefox")
SETTINGS = """\
user_pref("marionette.port", {port});
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "");
user_pref("devtools.console.stdout.content", true);
user_pref("browser.dom.window.dump.enabled", true);
"""


_PAGES = ("http://127.0.0.1", "file://", "data:")
"""Where scripts of pages are; Firefox's own are elsewhere."""


class Firefox:
    """A session with one window."""

    def __init__(self, port: int, heard: Path) -> None:
        self._heard, self._told = heard, 0
        self._socket = _reached(port)
        self._socket.settimeout(60)
        self._read()
        self._number = 0
        self.ask("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": False}}})

    def ask(self, command: str, parameters: dict[str, Any] | None = None) -> Any:
        """What a command answers. Raises RuntimeError for what Firefox refuses."""
        self._number += 1
        text = json.dumps([0, self._number, command, parameters or {}]).encode()
        self._socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{command}: {error.get('message')}")
        return result.get("value") if isinstance(result, dict) and set(result) == {"value"} else result

    def open(self, address: str, width: int = 1440, height: int = 900) -> None:
        """Go to an address and wait until the page says that it is drawn."""
        self.ask("WebDriver:SetWindowRect", {"width": width, "height": height})
        self.ask("WebDriver:Navigate", {"url": address})
        self.until("return document.documentElement.hasAttribute('data-drawn')")

    def until(self, script: str) -> None:
        """Wait until a script of the page returns something true."""
        deadline = time.monotonic() + 30
        while not self.run(script):
            assert time.monotonic() < deadline, f"it never was so: {script}"
            time.sleep(0.05)

    def run(self, script: str, *given: Any) -> Any:
        """What a script of the page returns; a promise is waited for."""
        return self.ask("WebDriver:ExecuteScript", {"script": script, "args": list(given)})

    def trouble(self) -> list[str]:
        """Errors of scripts of pages since this was asked last."""
        said = self._heard.read_text(encoding="utf-8", errors="replace").splitlines()
        fresh, self._told = said[self._told :], len(said)
        return [line for line in fresh if line.startswith("JavaScript error:") and any(p in line for p in _PAGES)]

    def press(self, keys: str) -> None:
        """Type where the focus is."""
        down = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("WebDriver:PerformActions", {"actions": [{"type": "key", "id": "keys", "actions": down}]})

    def close(self) -> None:
        """End the session."""
        self._socket.close()

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._some(1)
        left, text = int(size[:-1]), b""
        while left > len(text):
            text += self._some(left - len(text))
        return json.loads(text)

    def _some(self, most: int) -> bytes:
        part = self._socket.recv(most)
        if not part:
            raise RuntimeError("Firefox has gone")
        return part


def _reached(port: int) -> socket.socket:
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A Firefox of its own, with a profile of its own, gone afterwards."""
    assert FOUND
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as profile:
        (Path(profile) / "user.js").write_text(SETTINGS.format(port=port), encoding="utf-8")
        command = [FOUND, "--headless", "--marionette", "--no-remote", "--profile", profile, "about:blank"]
        environment = {**os.environ, "HOME": profile, "MOZ_CRASHREPORTER_DISABLE": "1"}
        heard = Path(profile) / "heard.txt"
        with heard.open("wb") as out:
            running = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            session = Firefox(port, heard)
            yield session
            session.close()
        finally:
            running.terminate()
            try:
                running.wait(timeout=20)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
