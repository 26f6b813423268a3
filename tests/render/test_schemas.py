"""Reports of a check held against the schemas that their readers go by (tests/schemas)."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.answer import Answer, Excused, Finding, Flag, Report, Step, Verdict
from headway.graph.model import Gap
from headway.project import Project
from headway.project.gate import check
from headway.render.report import report_as
from shop import manifest, write_shop

SCHEMAS = Path(__file__).parents[1] / "schemas"


def _standard() -> dict[str, Any]:
    """The schema, with the one name that the standard gave otherwise than this release candidate of it.

    What became of a suppression is `status` in SARIF 2.1.0 (section 3.35.3); the candidate calls it `state`.
    """
    schema: dict[str, Any] = json.loads((SCHEMAS / "sarif-2.1.0-rtm.4.json").read_text(encoding="utf-8"))
    suppression = schema["definitions"]["suppression"]["properties"]
    suppression["status"] = suppression.pop("state")
    return schema


SARIF = jsonschema.Draft4Validator(_standard(), format_checker=jsonschema.FormatChecker())
DAY = date(2026, 11, 22)

words = st.text(max_size=40)
names = st.text(min_size=1, max_size=20)
codes = st.sampled_from(["HW305", "HW801", "HW802"])
levels: st.SearchStrategy[Any] = st.sampled_from(["error", "warn"])
steps = st.builds(Step, node=names, kind=st.sampled_from(["model", "key_result"]), name=words)
flags = st.builds(
    Flag,
    gate=names,
    code=codes,
    level=levels,
    message=words,
    fingerprint=words,
    node=words,
    file=words,
    path=st.lists(steps, max_size=3).map(tuple),
    failing=st.booleans(),
)
answers = st.builds(
    lambda code, headline, count: Answer(
        question="q", code=code, headline=headline, rows=(Finding(values=()),) * count, as_of=DAY
    ),
    codes,
    words,
    st.integers(0, 3),
)
reports = st.builds(
    Report,
    headline=words,
    verdicts=st.lists(st.builds(Verdict, answers, st.integers(0, 2), names, levels), max_size=3).map(tuple),
    flags=st.lists(flags, max_size=4).map(tuple),
    as_of=st.just(DAY),
    compared=st.booleans(),
    objectives=st.lists(words, max_size=2).map(tuple),
    excused=st.lists(st.builds(Excused, flags, words), max_size=2).map(tuple),
    gaps=st.lists(st.builds(Gap, topic=words, message=words), max_size=2).map(tuple),
    titles=st.dictionaries(codes, words, max_size=3),
)


@pytest.fixture(scope="module")
def junit() -> Any:
    """The XML Schema of JUnit reports."""
    xmlschema = pytest.importorskip("xmlschema", reason="the package xmlschema is not installed")
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


@settings(max_examples=150, deadline=None)
@given(reports)
def test_whatever_a_check_finds_is_sarif_by_its_schema(report: Report) -> None:
    SARIF.validate(json.loads(report_as("sarif", report)))


def test_the_schema_tells_what_is_no_sarif() -> None:
    report = Report(headline="", verdicts=(), flags=(), as_of=DAY, compared=False)
    document = json.loads(report_as("sarif", report))
    del document["runs"][0]["tool"]["driver"]["name"]
    assert [error.message for error in SARIF.iter_errors(document)] == ["'name' is a required property"]


@settings(max_examples=150, deadline=None)
@given(report=reports)
def test_whatever_a_check_finds_is_junit_by_its_schema(junit: Any, report: Report) -> None:
    junit.validate(io.StringIO(report_as("junit", report)))


def test_the_schema_tells_what_is_no_junit(junit: Any) -> None:
    report = Report(headline="", verdicts=(), flags=(), as_of=DAY, compared=False)
    broken = report_as("junit", report).replace("<testsuite ", "<suite ").replace("</testsuite>", "</suite>")
    assert not junit.is_valid(io.StringIO(broken))


@pytest.fixture
def real(tmp_path: Path) -> Report:
    """What the gates say of a change of the shop."""
    folder = write_shop(tmp_path / "shop")
    before = manifest()
    before["nodes"]["model.shop.orders"]["raw_code"] = "select 1"
    del before["nodes"]["model.shop.forgotten"]
    (tmp_path / "before.json").write_text(json.dumps(before), encoding="utf-8")
    report = check(Project.open(folder), against=str(tmp_path / "before.json"))
    assert {flag.code for flag in report.flags} >= {"HW801", "HW802"}
    return report


def test_a_real_check_is_sarif(real: Report) -> None:
    SARIF.validate(json.loads(report_as("sarif", real)))


def test_a_real_check_is_junit(real: Report, junit: Any) -> None:
    junit.validate(io.StringIO(report_as("junit", real)))
