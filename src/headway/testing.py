"""The conformance suite: what every connector promises, as tests that its author runs with pytest.

    from headway.testing import ConnectorConformance

    class TestAcme(ConnectorConformance):
        connector = Acme

        def recording(self, folder):
            (folder / "answers.json").write_bytes(RECORDED)
            return {"path": "answers.json"}

A connector that passes gives the same valid records for the same input, with ids that hold between syncs and machines;
it needs no network to read a recording, prints and writes nothing, lets no secret out, and answers every broken input
with a HeadwayError before the time limit.
"""

from __future__ import annotations

import ast
import hashlib
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from headway.config import Option
from headway.connectors.protocol import Connector, Context
from headway.errors import HeadwayError
from headway.graph.model import (
    KINDS,
    AnyRecord,
    Check,
    Coverage,
    Deliverable,
    Edge,
    Gap,
    Node,
    Objective,
    Observation,
    Reading,
    Target,
)

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
"""The moment at which every connector is run."""

SECRET = "headway-conformance-secret-7c1f9a"  # noqa: S105 - a marker that is looked for, not a secret
"""The value of every secret option and of two environment variables while `test_keeps_secrets` runs."""

_ID = re.compile(r"[a-z][a-z0-9_]*:\S(?:.*\S)?")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_REFERENCE = re.compile(r"ref:([a-z_]+)/.+")
_REFERRED = frozenset(KINDS) | {"relation", "table", "asset", "shown"}
_OPTION_TYPES = (str, int, float, bool, list, dict)


def _noise(file: Path) -> None:
    file.write_bytes(random.Random(20261122).randbytes(4096))  # noqa: S311 - the same noise each time


def _unreadable(file: Path) -> None:
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        file.chmod(0)
    else:  # root may read everything, but not a link to itself
        file.unlink()
        file.symlink_to(file)


def _unlinked(file: Path) -> None:
    file.unlink()


def _directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


FAULTS: Mapping[str, Callable[[Path], Any]] = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "empty": lambda file: file.write_bytes(b""),
    "binary": _noise,
    "not text": lambda file: file.write_bytes(b"caf\xe9: \xff\xfe\n" * 20),
    "wrong type": lambda file: file.write_bytes(b'["not", "what", "was", "expected"]\n'),
    "deeply nested": lambda file: file.write_bytes(b"[" * 100_000 + b"]" * 100_000),
    "missing": _unlinked,
    "directory": _directory,
    "unreadable": _unreadable,
}
"""What is done to the recording, by name."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording on disk and the options that read it."""

    options: Mapping[str, Any]
    context: Context

    def later(self, **more: Any) -> Recorded:
        """The same with another context, such as a later `now`."""
        return replace(self, context=replace(self.context, **more))


class ConnectorConformance:
    """Inherit, name the connector, write a recording. Everything else may be left as it is."""

    connector: ClassVar[type[Connector]]
    """The connector to test."""
    input_option: ClassVar[str] = "path"
    """The option that names the file which is broken in `test_bad_input`."""
    declared_elsewhere: ClassVar[tuple[str, ...]] = ()
    """Beginnings of node ids that other connectors declare, such as `dbt:`."""
    tolerated: ClassVar[Mapping[str, str]] = {}
    """Names of FAULTS that this connector need not refuse, each with the reason; it must still not crash."""
    time_limit: ClassVar[float] = 10.0
    """Seconds for one run."""

    def recording(self, folder: Path) -> Mapping[str, Any]:
        """Write a recording into the empty `folder` and return the options that read it, relative to `folder`."""
        raise NotImplementedError(f"{type(self).__name__} is to write a recording: see ConnectorConformance.recording")

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        """The file to break, in a folder that `recording` has filled."""
        named = options[self.input_option]
        return folder / (named if isinstance(named, str) else named[0])

    def bad_inputs(self) -> Mapping[str, bytes]:
        """Further contents of the input file that are to be refused, by name."""
        return {}

    def environment(self) -> Mapping[str, str]:
        """Environment variables that the connector needs to read its recording."""
        return {}

    # How a connector is run

    @pytest.fixture
    def recorded(self, tmp_path: Path) -> Recorded:
        """The recording, in a folder of its own."""
        return self._recorded(tmp_path / "recording")

    def _recorded(self, folder: Path) -> Recorded:
        folder.mkdir(parents=True)
        options = self.recording(folder)
        return Recorded(options, Context(root=str(folder), now=NOW, environment=dict(self.environment())))

    def _run(self, recorded: Recorded) -> list[AnyRecord]:
        """All records, in order. Fails the test when that takes longer than the limit."""
        with _at_most(self.time_limit, self.connector.name):
            return list(self.connector(recorded.options, recorded.context).records())

    def _refuses(self, recorded: Recorded, fault: str) -> str:
        """Run on a broken input; returns the sentence, or '' when records came all the same."""
        try:
            records = self._run(recorded)
        except HeadwayError as error:
            sentence = str(error)
            assert sentence.strip(), f"the error for {fault} input says nothing"
            assert "Traceback (most recent call last)" not in sentence
            return sentence
        except Exception as error:
            pytest.fail(f"{fault} input escapes as {type(error).__name__}: {error}")
        _valid(records)
        return ""

    # What it says about itself

    def test_declares_itself(self) -> None:
        """It has a name, a docstring, and options that every front can show."""
        connector = self.connector
        assert _WORD.fullmatch(connector.name), f"name {connector.name!r} is not a word of a-z, 0-9 and _"
        assert (connector.__doc__ or "").strip(), "a docstring says what the connector reads"
        assert isinstance(connector.options, tuple), "options is a tuple of Option"
        for option in connector.options:
            assert isinstance(option, Option), f"{option!r} is not an Option"
            assert _WORD.fullmatch(option.name), f"option {option.name!r} is not a word of a-z, 0-9 and _"
            assert option.type in _OPTION_TYPES, f"option {option.name} has type {option.type!r}"
            assert option.help.strip(), f"option {option.name} has no help"
            assert option.default is None or isinstance(option.default, option.type), f"default of {option.name}"
            assert not option.secret or (option.env and not option.default), f"secret {option.name} comes from env only"
            assert not (option.required and option.default), f"required option {option.name} has a default"
        names = Counter(option.name for option in connector.options)
        assert [name for name, count in names.items() if count > 1] == [], "options with the same name"

    def test_without_options_it_says_what_is_missing(self, tmp_path: Path) -> None:
        """Nothing given is a HeadwayError when an option is required, and never a crash."""
        sentence = self._refuses(Recorded({}, Context(root=str(tmp_path), now=NOW)), "no")
        required = [option.name for option in self.connector.options if option.required]
        assert sentence or not required, f"required options {required} are not missed"

    # What it gives

    def test_records_are_valid(self, recorded: Recorded) -> None:
        """Every record is one of the model's, with values of the right type, and there is at least one."""
        records = self._run(recorded)
        assert records, "the recording gives no records"
        _valid(records)
        for record in records:
            assert record.origin.connector in ("", self.connector.name), f"{record!r:.300} comes from elsewhere"

    def test_nodes_have_their_own_ids(self, recorded: Recorded) -> None:
        """Ids are namespaced (`x:...`) and unique, kinds are known."""
        nodes = [record for record in self._run(recorded) if isinstance(record, Node)]
        assert [node.id for node in nodes if not _ID.fullmatch(node.id) or node.id.startswith("ref:")] == []
        assert [node for node, count in Counter(node.id for node in nodes).items() if count > 1] == [], (
            "ids given twice"
        )
        assert [(node.id, node.kind) for node in nodes if node.kind not in KINDS] == [], "unknown kinds"
        assert [node.id for node in nodes if not node.name] == [], "nodes without a name"

    def test_what_is_referred_to_is_known(self, recorded: Recorded) -> None:
        """Ends of edges, and what checks and goals are about, are nodes given here or elsewhere, or references."""
        records = self._run(recorded)
        known = {record.id: record.kind for record in records if isinstance(record, Node)}
        dangling = []
        for record in records:
            for end, kind in _ends(record):
                if end not in known and not self._is_elsewhere(end, reference=isinstance(record, Edge)):
                    dangling.append((type(record).__name__, end))
                assert not kind or known.get(end, kind) == kind, f"{end} is not of kind {kind}"
        assert dangling == []
        edges = Counter((edge.upstream, edge.downstream, edge.role) for edge in records if isinstance(edge, Edge))
        assert [edge for edge, count in edges.items() if count > 1] == [], "edges given twice"
        assert [edge for edge in edges if edge[0] == edge[1]] == [], "edges from a node to itself"

    def _is_elsewhere(self, end: str, *, reference: bool) -> bool:
        match = _REFERENCE.fullmatch(end)
        if match and reference:
            return match[1] in _REFERRED
        return bool(self.declared_elsewhere) and end.startswith(self.declared_elsewhere)

    def test_the_same_input_gives_the_same_records(self, recorded: Recorded) -> None:
        """Twice over, and twice from one instance, order included."""
        once = self._run(recorded)
        assert self._run(recorded) == once
        connector = self.connector(recorded.options, recorded.context)
        assert [list(connector.records()), list(connector.records())] == [once, once]

    def test_order_does_not_come_from_a_set(self, recorded: Recorded) -> None:
        """Two processes with different hash seeds give the same bytes."""
        given = (self.connector.__module__, self.connector.__qualname__, dict(recorded.options), recorded.context.root)
        ast.literal_eval(repr(given))  # options are plain data
        assert _digest(given, recorded.context.environment, 1) == _digest(given, recorded.context.environment, 2)

    def test_ids_hold_between_syncs_and_machines(self, recorded: Recorded, tmp_path: Path) -> None:
        """Another day and another folder give the same nodes and edges."""
        elsewhere = self._recorded(tmp_path / "else" / "where").later(now=NOW + timedelta(days=1))
        assert _skeleton(self._run(elsewhere)) == _skeleton(self._run(recorded))

    # What it keeps to itself

    def test_works_offline(self, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
        """Reading a recording opens no connection and looks up no host."""
        tried: list[str] = []

        def refuse(*given: Any, **named: Any) -> Any:
            tried.append(f"{given[1:] or given} {named or ''}")
            raise OSError("the network is switched off in this test")

        for name in ("connect", "connect_ex", "sendto"):
            monkeypatch.setattr(socket.socket, name, refuse)
        for name in ("getaddrinfo", "gethostbyname", "create_connection"):
            monkeypatch.setattr(socket, name, refuse)
        try:
            self._run(recorded)
        finally:
            assert tried == [], "connections were tried"

    def test_prints_and_writes_nothing(
        self, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Nothing on stdout or stderr, no file changed or left behind."""
        for name in ("cwd", "home", "tmp"):
            (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / "cwd")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        before = _snapshot(tmp_path)
        capfd.readouterr()
        self._run(recorded)
        assert capfd.readouterr() == ("", "")
        assert _snapshot(tmp_path) == before

    def test_keeps_secrets(
        self,
        recorded: Recorded,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """No secret shows up in records, errors, logs or output: neither on good input nor on bad."""
        secret = [option for option in self.connector.options if option.secret]
        names = [option.env for option in secret if option.env] + [
            "HEADWAY_CONFORMANCE_TOKEN",
            "DBT_ENV_SECRET_CONFORMANCE",
        ]
        for name in names:
            monkeypatch.setenv(name, SECRET)
        options = {**recorded.options, **{option.name: SECRET for option in secret}}
        context = replace(
            recorded.context, environment={**recorded.context.environment, **dict.fromkeys(names, SECRET)}
        )
        trusted = Recorded(options, context)
        said: list[str] = []
        caplog.set_level(logging.DEBUG)
        for spoil in (None, FAULTS["truncated"], FAULTS["wrong type"], FAULTS["missing"]):
            if spoil:
                spoil(self.input_file(Path(recorded.context.root), recorded.options))
            try:
                said.append(msgspec.json.encode(self._run(trusted)).decode())
            except HeadwayError as error:
                said += _chain(error)
        said += [caplog.text, *capfd.readouterr()]
        assert [text[:200] for text in said if SECRET in text] == []

    # What it makes of broken input

    @pytest.mark.parametrize("fault", FAULTS)
    def test_bad_input(self, recorded: Recorded, fault: str) -> None:
        """A broken input file is a HeadwayError that names it, in time."""
        self._run(recorded)  # so that nothing is imported for the first time below
        file = self.input_file(Path(recorded.context.root), recorded.options)
        FAULTS[fault](file)
        sentence = self._refuses(recorded, fault)
        assert sentence or fault in self.tolerated, f"{fault} input is not refused"
        assert not sentence or file.name in sentence, (
            f"the error for {fault} input does not name {file.name}: {sentence}"
        )

    def test_bad_inputs_of_its_own(self, tmp_path: Path) -> None:
        """Each of `bad_inputs` is a HeadwayError, in time."""
        for number, (name, content) in enumerate(self.bad_inputs().items()):
            recorded = self._recorded(tmp_path / str(number))
            self.input_file(Path(recorded.context.root), recorded.options).write_bytes(content)
            assert self._refuses(recorded, name), f"{name} input is not refused"


def _valid(records: list[AnyRecord]) -> None:
    """Fail unless every record is one of the model's and survives being written and read again."""
    for record in records:
        assert isinstance(record, AnyRecord), f"{record!r:.200} is not a record"
        written = msgspec.json.encode(record)
        try:
            again = msgspec.json.decode(written, type=AnyRecord)
        except msgspec.ValidationError as error:
            pytest.fail(f"{record!r:.300}: {error}")
        assert msgspec.json.encode(again) == written, f"{record!r:.300} changes when it is written and read"
        if isinstance(record, Observation):
            assert bool(record.node) != bool(record.relation), f"{record!r:.300}: exactly one of node and relation"
        if isinstance(record, Coverage):
            assert record.start <= record.end, f"{record!r:.300} ends before it starts"
        if isinstance(record, Gap):
            assert record.topic, f"{record!r:.300} has no topic"
            assert record.message, f"{record!r:.300} has no message"


def _ends(record: AnyRecord) -> Iterator[tuple[str, str]]:
    """The node ids that a record is about, each with the kind it must be of, or ''."""
    match record:
        case Edge():
            yield from ((record.upstream, ""), (record.downstream, ""))
        case Check():
            yield record.node, ""
        case Target():
            yield record.key_result, "key_result"
            if record.objective:  # without one it is the binding of a goal of another source
                yield record.objective, "objective"
        case Objective():
            yield record.objective, "objective"
            if record.parent:
                yield record.parent, "objective"
        case Deliverable():
            yield from ((record.deliverable, "deliverable"), (record.objective, "objective"))
        case Reading():
            yield record.key_result, "key_result"


def _skeleton(records: list[AnyRecord]) -> list[tuple[str, ...]]:
    """Ids of nodes and ends of edges, in order."""
    nodes = [("node", r.id, r.kind) for r in records if isinstance(r, Node)]
    return nodes + [("edge", r.upstream, r.downstream, r.role) for r in records if isinstance(r, Edge)]


def _snapshot(folder: Path) -> dict[str, str]:
    """Every file below `folder` with a digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def _chain(error: BaseException) -> list[str]:
    """What an error says, and every error that it came from."""
    said: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        said += [str(link), repr(link)]
        link = link.__cause__ or link.__context__
    return said


@contextmanager
def _at_most(seconds: float, what: str) -> Iterator[None]:
    """Fail the test after so many seconds: at once where signals can do that, else when the run comes back."""

    def late(*_: object) -> None:
        pytest.fail(f"{what} was not done after {seconds:g} s")

    began = time.monotonic()
    alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, late) if alarm else None
    try:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    if time.monotonic() - began > seconds:
        late()


_CHILD = """
import ast, functools, hashlib, importlib, sys
from datetime import datetime
import msgspec
from headway.connectors.protocol import Context
module, name, options, root, environment, now = ast.literal_eval(sys.stdin.read())
connector = functools.reduce(getattr, name.split("."), importlib.import_module(module))
records = connector(options, Context(root, datetime.fromisoformat(now), environment)).records()
print(hashlib.sha256(msgspec.json.encode(list(records))).hexdigest())
"""


def _digest(given: tuple[Any, ...], environment: Mapping[str, str], seed: int) -> str:
    """Digest of all records as a new process with this hash seed gives them."""
    ran = subprocess.run(  # noqa: S603 - this interpreter, our own text
        [sys.executable, "-c", _CHILD],
        input=repr((*given, dict(environment), NOW.isoformat())),
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
