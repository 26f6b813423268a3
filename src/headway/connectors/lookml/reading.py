"""Files in, statements or a reason out, in bounded time: a worker process that is killed when it spins."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import msgspec

from headway.connectors.lookml.worker import Parsed
from headway.errors import InputError, MissingExtra

SECONDS = 20.0
"""How long one file may take: twice what four megabytes take."""
_PATIENT = 3
"""Files that may take that long; each further one has a tenth of it, so that a folder of traps ends, too."""
_START_SECONDS = 60.0
_MODULE = "headway.connectors.lookml.worker"


class Worker:
    """Parses one file after the other in a child process. Use it in a with block; nothing is started before `parse`."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._late = 0
        self._child: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()
        self.started = 0
        """Processes started so far."""

    def __enter__(self) -> Worker:
        if find_spec("lkml") is None:
            raise MissingExtra("lookml", "reading LookML")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def parse(self, path: Path) -> Parsed:
        """What a file holds, or its `problem`. Raises InputError only when no worker can be run at all."""
        child = self._child or self._start()
        seconds = self._seconds if self._late < _PATIENT else self._seconds / 10
        try:
            assert child.stdin is not None
            child.stdin.write(msgspec.json.encode(str(path)).decode() + "\n")
            child.stdin.flush()
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self._late += 1
            self._end()
            return Parsed(problem=f"it was not parsed within {seconds:g} seconds")
        except OSError:
            answer = ""
        if not answer:
            self._end()
            return Parsed(problem="the parser gave up on it: it takes too much memory")
        return msgspec.json.decode(answer, type=Parsed)

    def _start(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONIOENCODING": "utf-8"}
        try:
            self._child = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
                [sys.executable, "-P", "-m", _MODULE],  # -P: nothing is loaded from the folder that it runs in
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env=environment,
            )
        except OSError as error:
            raise InputError(f"the parser of LookML cannot be started: {error.strerror}") from error
        self.started += 1
        answers: queue.Queue[str] = queue.Queue()
        self._answers = answers
        assert self._child.stdout is not None
        threading.Thread(target=_listen, args=(self._child.stdout.readline, answers.put), daemon=True).start()
        try:
            ready = answers.get(timeout=_START_SECONDS)
        except queue.Empty:
            ready = ""
        if not ready:
            self._end()
            raise InputError("the parser of LookML does not start", hint="is the extra `lookml` installed as a whole?")
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # what was not sent to a dead child is of no use to anybody
        child.wait()


def _listen(read: Callable[[], str], put: Callable[[str], None]) -> None:
    """Pass on each line, and '' at the end."""
    line = "-"
    while line:
        try:
            line = read()
        except (OSError, ValueError):  # closed under us: the child was ended
            line = ""
        put(line)
