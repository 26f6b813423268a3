"""A check's report in every format: valid where there is a standard, readable where people read, and never markup."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from headway.answer import Answer, Excused, Finding, Flag, Report, Step, Verdict
from headway.errors import UnknownName
from headway.graph.model import Gap
from headway.render.report import REPORTS, report_as

HOSTILE = 'a|b <img src=x> "q" ]]> & \x1b[31m\x00\u202e\nsecond\uffff `c` @team ::error::x %0A'

# Written after the OASIS standard SARIF 2.1.0, for the objects that are used: their required and known properties.
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "message": TEXT,
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"uri": {"type": "string", "pattern": "^[A-Za-z0-9._~!$&'()*+,;=:@/%-]+$"}},
                },
                "region": {"type": "object", "properties": {"startLine": {"type": "integer", "minimum": 1}}},
            },
        },
    },
}
STEPS = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "object", "additionalProperties": False, "properties": {"location": LOCATION}},
}
THREADS = {
    "type": "array",
    "minItems": 1,
    "items": {"required": ["locations"], "additionalProperties": False, "properties": {"locations": STEPS}},
}
RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "locations": {"type": "array", "items": LOCATION},
        "codeFlows": {
            "type": "array",
            "items": {
                "required": ["threadFlows"],
                "additionalProperties": False,
                "properties": {"threadFlows": THREADS},
            },
        },
        "suppressions": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "required": ["kind"],
                "additionalProperties": False,
                "properties": {
                    "kind": {"enum": ["inSource", "external"]},
                    "status": {"enum": ["accepted", "underReview", "rejected"]},
                    "justification": {"type": "string"},
                },
            },
        },
    },
}
RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "shortDescription": TEXT, "help": TEXT},
}
DRIVER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "semanticVersion": {"type": "string"},
        "rules": {"type": "array", "uniqueItems": True, "items": RULE},
    },
}
RUN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tool"],
    "properties": {
        "tool": {"type": "object", "required": ["driver"], "properties": {"driver": DRIVER}},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "invocations": {
            "type": "array",
            "items": {
                "required": ["executionSuccessful"],
                "additionalProperties": False,
                "properties": {"executionSuccessful": {"type": "boolean"}, "exitCode": {"type": "integer"}},
            },
        },
        "results": {"type": "array", "items": RESULT},
    },
}
SARIF = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {"type": "array", "items": RUN},
    },
}


def verdict(gate: str, code: str, level: Any, findings: int) -> Verdict:
    rows = tuple(Finding(values=(), node=f"n{k}") for k in range(findings))
    answer = Answer(question=gate, code=code, headline=f"{findings} found.", rows=rows, as_of=date(2026, 11, 22))
    return Verdict(answer, 0, gate, level)


def flag(gate: str, code: str, level: Any, message: str, **more: Any) -> Flag:
    return Flag(gate=gate, code=code, level=level, message=message, fingerprint=f"{code}::{message[:9]}", **more)


PATH = (
    Step(node="dbt:model.shop.orders", kind="model", name="orders"),
    Step(node="dbt:metric.shop.revenue", kind="metric", name="revenue"),
    Step(node="goal:key_result.grow.revenue", kind="key_result", name='Revenue "net"; all|'),
    Step(node="goal:objective.grow", kind="objective", name="Grow sales"),
)


@pytest.fixture(params=["plain", "hostile"])
def report(request: pytest.FixtureRequest) -> Report:
    words = HOSTILE if request.param == "hostile" else "orders changed (SQL): it computes Revenue (Grow sales)"
    return Report(
        headline=f"This change touches 1 objective: {words}",
        verdicts=(
            verdict("new-assets", "HW802", "error", 1),
            verdict("impact", "HW801", "warn", 1),
            verdict("standing", "HW305", "error", 0),
        ),
        flags=(
            flag("new-assets", "HW802", "error", "lonely is new", file="models/a b,c:d.sql", failing=True),
            flag("impact", "HW801", "warn", words, node="dbt:model.shop.orders", path=PATH),
        ),
        excused=(Excused(flag("new-assets", "HW802", "error", "old is new"), f"because {words}"),),
        gaps=(Gap(topic="usage", message=words, hint="connect one"),),
        objectives=("Grow sales",),
        compared=True,
        titles={"HW305": "Standing objective", "HW801": "Impact", "HW802": "New asset"},
        as_of=date(2026, 11, 22),
    )


@pytest.mark.parametrize("name", list(REPORTS))
def test_every_format_ends_in_a_newline_says_the_same_twice_and_steers_no_terminal(name: str, report: Report) -> None:
    text = report_as(name, report)
    assert text.endswith("\n")
    assert text == report_as(name, report)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def test_an_unknown_format_is_refused(report: Report) -> None:
    with pytest.raises(UnknownName, match="no format called 'sarf'"):
        report_as("sarf", report)


def test_sarif_has_what_the_standard_asks_for(report: Report) -> None:
    document = json.loads(report_as("sarif", report))
    jsonschema.Draft202012Validator(SARIF).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["HW305", "HW801", "HW802"]
    assert [(r["ruleId"], rules[r["ruleIndex"]], r["level"]) for r in run["results"]] == [
        ("HW802", "HW802", "error"),
        ("HW801", "HW801", "warning"),
        ("HW802", "HW802", "error"),
    ]
    assert ["suppressions" in r for r in run["results"]] == [False, False, True]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "models/a%20b%2Cc%3Ad.sql"
    assert len({r["partialFingerprints"]["headway/v1"] for r in run["results"]}) == 3
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]


def test_junit_has_a_case_per_gate_and_a_failure_only_for_errors(report: Report) -> None:
    root = ET.fromstring(report_as("junit", report))
    assert (root.tag, root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == (
        "testsuites",
        "3",
        "1",
        "0",
    )
    (suite,) = root
    assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"} <= set(suite.attrib)
    cases = {case.attrib["name"]: [child.tag for child in case] for case in suite}
    assert cases == {"new-assets": ["failure"], "impact": ["system-out"], "standing": []}
    assert all({"name", "classname", "time"} <= set(case.attrib) for case in suite)
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.attrib == {"message": "1 found.", "type": "HW802"}


def test_github_commands_are_one_line_each_and_nothing_can_add_another(report: Report) -> None:
    lines = report_as("github", report).splitlines()
    assert len(lines) == 3
    assert all(re.match(r"::(error|warning|notice) [^:]*::", line) for line in lines)
    assert lines[0] == "::error file=models/a b%2Cc%3Ad.sql,line=1,title=HW802 new-assets::lonely is new"
    assert lines[1].startswith("::warning title=HW801 impact::")


def test_gitlab_issues_have_all_required_keys(report: Report) -> None:
    issues = json.loads(report_as("gitlab", report))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 2
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["path"]
        assert issue["location"]["lines"]["begin"] == 1
    assert [issue["severity"] for issue in issues] == ["major", "minor"]


def test_the_comment_reads_from_the_top_and_takes_nothing_for_markup(report: Report) -> None:
    text = report_as("comment", report)
    assert text.startswith("<!-- headway check -->\n\n### ❌ Headway\n\nThis change touches 1 objective: ")
    chart = text.partition("```mermaid\n")[2].partition("```")[0].splitlines()
    assert chart[0] == "flowchart LR"
    assert '  n2(["key result<br/>Revenue #34;net#34;#59; all#124;"])' in chart
    assert [line for line in chart if "-->" in line] == ["  n0 --> n1", "  n1 --> n2", "  n2 --> n3"]
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in table)
    assert "<img" not in text
    assert "@team" not in text
    assert text.count("<details>") == text.count("</details>") == 2


def test_text_tells_failures_first_and_where_they_are(report: Report) -> None:
    lines = report_as("text", report).splitlines()
    assert [line.split()[:2] for line in lines if re.match(r"(failed|warning|passed) ", line)] == [
        ["failed", "new-assets"],
        ["warning", "impact"],
        ["passed", "standing"],
    ]
    assert "         HW802  lonely is new  models/a b,c:d.sql" in lines
    assert any(line.startswith("Not counted: 1 finding") for line in lines)


def test_json_has_everything(report: Report) -> None:
    document = json.loads(report_as("json", report))
    assert (document["passed"], document["compared"], document["objectives"]) == (False, True, ["Grow sales"])
    assert [(g["gate"], g["outcome"], g["findings"]) for g in document["gates"]] == [
        ("new-assets", "failed", 1),
        ("impact", "warning", 1),
        ("standing", "passed", 0),
    ]
    assert document["findings"][1]["path"][0]["name"] == "orders"
    assert len(document["excused"]) == len(document["gaps"]) == 1
