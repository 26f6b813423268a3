"""One good connector, and many that each break a promise; `breaks` names the tests that have to fail for it.

Not collected by its name: test_conformance.py runs it and compares.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors.protocol import Context
from headway.errors import InputError, Place
from headway.graph.model import AnyRecord, Coverage, Edge, Gap, Node, Observation, Origin, Target
from headway.testing import FAULTS, ConnectorConformance

NAMES = ["orders", "customers", "payments", "refunds", "visits", "carts", "plans", "seats"]
ALL_FAULTS = frozenset(f"test_bad_input[{fault}]" for fault in FAULTS)


class Good:
    """Reads a list of table names."""

    name: ClassVar[str] = "good"
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", str, required=True, help="a JSON file"),
        Option("token", str, secret=True, env="GOOD_TOKEN", help="how to sign in"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self.chosen, self.context = options, context
        if not options.get("path"):
            raise InputError("option path is missing")

    @property
    def path(self) -> Path:
        return Path(self.context.root, self.chosen["path"])

    def tables(self) -> list[str]:
        try:
            return list(json.loads(self.path.read_bytes())["tables"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError("cannot be read", place=Place(self.path.name)) from error

    def records(self) -> Iterator[AnyRecord]:
        names = self.tables()
        for name in names:
            yield Node(id=f"good:model.{name}", kind="model", name=name, origin=Origin("good", "tables.json"))
        yield Edge(upstream=f"good:model.{names[0]}", downstream=f"good:model.{names[1]}")
        yield Edge(upstream="ref:relation/a.b.c", downstream=f"good:model.{names[0]}")
        yield Observation(day=date(2026, 11, 1), measure="views", amount=1.0, node=f"good:model.{names[0]}")
        yield Coverage(covers="", start=date(2026, 11, 1), end=date(2026, 11, 1))
        yield from self.more()

    def more(self) -> Iterator[AnyRecord]:
        """What a broken connector adds."""
        yield from ()


class Suite(ConnectorConformance):
    """The recording that all of them read."""

    time_limit = 2.0
    breaks: ClassVar[frozenset[str] | set[str]] = frozenset()

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "tables.json").write_text(json.dumps({"tables": NAMES}))
        return {"path": "tables.json"}


class TestGood(Suite):
    connector = Good


class TestTolerated(Suite):
    tolerated: ClassVar[Mapping[str, str]] = {"empty": "an empty file has no tables"}

    class connector(Good):  # noqa: N801
        """Takes an empty file for an empty list."""

        def tables(self) -> list[str]:
            return NAMES if self.path.is_file() and not self.path.read_bytes() else super().tables()


# What it says about itself


class TestNamedBadly(Suite):
    breaks: ClassVar = {"test_declares_itself", "test_records_are_valid"}  # its records come from "good"

    class connector(Good):  # noqa: N801
        """Its name is no word."""

        name = "Not A Word"


class TestHelpless(Suite):
    breaks: ClassVar = {"test_declares_itself"}

    class connector(Good):  # noqa: N801
        """Has an option without help."""

        options = (*Good.options, Option("depth", int, 3))


class TestOpenSecret(Suite):
    breaks: ClassVar = {"test_declares_itself"}

    class connector(Good):  # noqa: N801
        """Has a secret that the environment cannot supply."""

        options = (*Good.options, Option("key", str, secret=True, help="how to sign in"))


class TestWithoutOptions(Suite):
    breaks: ClassVar = {"test_without_options_it_says_what_is_missing"}

    class connector(Good):  # noqa: N801
        """Takes for granted that its option is given."""

        def __init__(self, options: Mapping[str, Any], context: Context) -> None:
            super().__init__({"path": options["path"], **options}, context)


# What it gives


class TestNothing(Suite):
    breaks: ClassVar = {"test_records_are_valid"}

    class connector(Good):  # noqa: N801
        """Reads, and gives nothing."""

        def records(self) -> Iterator[AnyRecord]:
            self.tables()
            yield from ()


class TestMistyped(Suite):
    breaks: ClassVar = {"test_records_are_valid"}

    class connector(Good):  # noqa: N801
        """Gives text where a list of tags belongs."""

        def more(self) -> Iterator[AnyRecord]:
            yield Node(id="good:x", kind="model", name="x", tags="abc")  # type: ignore[arg-type]


class TestNotANumber(Suite):
    breaks: ClassVar = {"test_records_are_valid", "test_the_same_input_gives_the_same_records"}

    class connector(Good):  # noqa: N801
        """Measures what is not a number."""

        def more(self) -> Iterator[AnyRecord]:
            yield Observation(day=date(2026, 11, 1), measure="views", amount=float("nan"), node="good:model.orders")


class TestBackwards(Suite):
    breaks: ClassVar = {"test_records_are_valid"}

    class connector(Good):  # noqa: N801
        """Covers days that end before they start."""

        def more(self) -> Iterator[AnyRecord]:
            yield Coverage(covers="", start=date(2026, 11, 2), end=date(2026, 11, 1))


class TestForeign(Suite):
    breaks: ClassVar = {"test_records_are_valid"}

    class connector(Good):  # noqa: N801
        """Says that a record comes from another connector."""

        def more(self) -> Iterator[AnyRecord]:
            yield Gap(topic="usage", message="x", origin=Origin("dbt"))


class TestTwice(Suite):
    breaks: ClassVar = {"test_nodes_have_their_own_ids"}

    class connector(Good):  # noqa: N801
        """Gives a node twice."""

        def more(self) -> Iterator[AnyRecord]:
            yield Node(id="good:model.orders", kind="model", name="orders")


class TestUnnamespaced(Suite):
    breaks: ClassVar = {"test_nodes_have_their_own_ids"}

    class connector(Good):  # noqa: N801
        """Gives an id that another connector might give too."""

        def more(self) -> Iterator[AnyRecord]:
            yield Node(id="orders", kind="model", name="orders")


class TestOfNoKind(Suite):
    breaks: ClassVar = {"test_nodes_have_their_own_ids"}

    class connector(Good):  # noqa: N801
        """Makes up a kind."""

        def more(self) -> Iterator[AnyRecord]:
            yield Node(id="good:x", kind="table", name="x")


class TestDangling(Suite):
    breaks: ClassVar = {"test_what_is_referred_to_is_known"}

    class connector(Good):  # noqa: N801
        """Has an edge from nowhere."""

        def more(self) -> Iterator[AnyRecord]:
            yield Edge(upstream="good:model.gone", downstream="good:model.orders")


class TestElsewhere(Suite):
    declared_elsewhere: ClassVar = ("bi:",)

    class connector(Good):  # noqa: N801
        """Has an edge to what somebody else declares, as the suite was told."""

        def more(self) -> Iterator[AnyRecord]:
            yield Edge(upstream="good:model.orders", downstream="bi:dashboard.1")


class TestMisreferring(Suite):
    breaks: ClassVar = {"test_what_is_referred_to_is_known"}

    class connector(Good):  # noqa: N801
        """Refers to something of no kind."""

        def more(self) -> Iterator[AnyRecord]:
            yield Edge(upstream="ref:spreadsheet/orders", downstream="good:model.orders")


class TestAimingAtAModel(Suite):
    breaks: ClassVar = {"test_what_is_referred_to_is_known"}

    class connector(Good):  # noqa: N801
        """Has a target for what is no key result."""

        def more(self) -> Iterator[AnyRecord]:
            yield Target(key_result="good:model.orders", objective="good:model.plans")


class TestRandom(Suite):
    breaks: ClassVar = {
        "test_the_same_input_gives_the_same_records",
        "test_order_does_not_come_from_a_set",
        "test_ids_hold_between_syncs_and_machines",
    }

    class connector(Good):  # noqa: N801
        """Throws dice for an id."""

        def more(self) -> Iterator[AnyRecord]:
            yield Node(id=f"good:{uuid.uuid4()}", kind="model", name="x")


class TestUnordered(Suite):
    breaks: ClassVar = {"test_order_does_not_come_from_a_set"}

    class connector(Good):  # noqa: N801
        """Walks through a set."""

        def more(self) -> Iterator[AnyRecord]:
            for name in set(NAMES):
                yield Gap(topic="usage", message=name)


class TestOnceOnly(Suite):
    breaks: ClassVar = {"test_the_same_input_gives_the_same_records"}

    class connector(Good):  # noqa: N801
        """Is used up after one time."""

        def records(self) -> Iterator[AnyRecord]:
            yield from super().records()
            self.chosen = {**self.chosen, "done": True}

        def more(self) -> Iterator[AnyRecord]:
            if "done" not in self.chosen:
                yield Gap(topic="usage", message="the first time")


class TestDated(Suite):
    breaks: ClassVar = {"test_ids_hold_between_syncs_and_machines"}

    class connector(Good):  # noqa: N801
        """Has another id every day."""

        def more(self) -> Iterator[AnyRecord]:
            yield Node(id=f"good:{self.context.now.date()}", kind="model", name="x")


class TestLocal(Suite):
    breaks: ClassVar = {"test_ids_hold_between_syncs_and_machines"}

    class connector(Good):  # noqa: N801
        """Has another id in every folder."""

        def more(self) -> Iterator[AnyRecord]:
            yield Node(id=f"good:{self.context.root}", kind="model", name="x")


# What it keeps to itself


class TestCalling(Suite):
    breaks: ClassVar = {"test_works_offline"}

    class connector(Good):  # noqa: N801
        """Calls home, and hides that nobody answered."""

        def more(self) -> Iterator[AnyRecord]:
            try:
                socket.create_connection(("127.0.0.1", 9), timeout=1).close()
            except OSError:
                return
            yield from ()


class TestTalking(Suite):
    breaks: ClassVar = {"test_prints_and_writes_nothing"}

    class connector(Good):  # noqa: N801
        """Writes to stderr past Python."""

        def more(self) -> Iterator[AnyRecord]:
            os.write(2, b"hello")
            yield from ()


class TestLittering(Suite):
    breaks: ClassVar = {"test_prints_and_writes_nothing"}

    class connector(Good):  # noqa: N801
        """Leaves a cache in the home folder."""

        def more(self) -> Iterator[AnyRecord]:
            if "pytest" in str(Path.home()):
                Path.home().joinpath("cache").write_text("x")
            yield from ()


class TestRewriting(Suite):
    breaks: ClassVar = {"test_prints_and_writes_nothing"}

    class connector(Good):  # noqa: N801
        """Changes what it reads."""

        def more(self) -> Iterator[AnyRecord]:
            self.path.write_bytes(self.path.read_bytes() + b" ")
            yield from ()


class TestLogging(Suite):
    breaks: ClassVar = {"test_keeps_secrets"}

    class connector(Good):  # noqa: N801
        """Logs its token."""

        def more(self) -> Iterator[AnyRecord]:
            logging.getLogger("good").debug("signing in with %s", self.chosen.get("token"))
            yield from ()


class TestGossiping(Suite):
    breaks: ClassVar = {"test_keeps_secrets"}

    class connector(Good):  # noqa: N801
        """Puts the environment into a record."""

        def more(self) -> Iterator[AnyRecord]:
            yield Gap(topic="usage", message=f"seen: {os.environ.get('HEADWAY_CONFORMANCE_TOKEN')}")


class TestBlaming(Suite):
    breaks: ClassVar = {"test_keeps_secrets"}

    class connector(Good):  # noqa: N801
        """Lets the token out when something else is wrong."""

        def tables(self) -> list[str]:
            try:
                return super().tables()
            except InputError as error:
                raise InputError(f"tables.json: not read with {self.chosen.get('token')}") from error


class TestBlamingBehind(Suite):
    breaks: ClassVar = {"test_keeps_secrets"}

    class connector(Good):  # noqa: N801
        """The same, one error further down."""

        def tables(self) -> list[str]:
            try:
                return super().tables()
            except InputError:
                raise InputError("tables.json: no") from ValueError(dict(self.context.environment))


# What it makes of broken input


class TestCrashing(Suite):
    breaks: ClassVar = ALL_FAULTS | {"test_keeps_secrets"}

    class connector(Good):  # noqa: N801
        """Lets every error escape."""

        def tables(self) -> list[str]:
            return list(json.loads(self.path.read_bytes())["tables"])


class TestForgiving(Suite):
    breaks: ClassVar = ALL_FAULTS

    class connector(Good):  # noqa: N801
        """Carries on as if nothing had happened."""

        def tables(self) -> list[str]:
            try:
                return super().tables()
            except InputError:
                return NAMES


class TestUnplaced(Suite):
    breaks: ClassVar = ALL_FAULTS

    class connector(Good):  # noqa: N801
        """Does not say which file is broken."""

        def tables(self) -> list[str]:
            try:
                return super().tables()
            except InputError:
                raise InputError("something is wrong") from None


class TestHanging(Suite):
    breaks: ClassVar = {"test_bad_input[directory]"}

    class connector(Good):  # noqa: N801
        """Waits for a folder to become a file, whatever interrupts it."""

        def tables(self) -> list[str]:
            while self.path.is_dir():
                try:
                    time.sleep(0.01)
                except Exception:
                    continue
            return super().tables()


class TestCareless(Suite):
    breaks: ClassVar = {"test_bad_inputs_of_its_own"}
    connector = Good

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {"one table": b'{"tables": ["orders", "plans"]}'}
