"""The report of a check as SARIF 2.1.0 (OASIS), which code scanning reads."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from headway import __version__
from headway.answer import Flag, Report
from headway.render.values import safe

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION = "2.1.0"
_LEVELS = {"error": "error", "warn": "warning"}


def render(report: Report) -> str:
    """One run, a rule per code, a result per finding; what is excused is a suppressed result."""
    codes = sorted({flag.code for flag in report.flags} | {e.flag.code for e in report.excused} | report.titles.keys())
    order = {code: k for k, code in enumerate(codes)}
    results = [_result(flag, order) for flag in report.flags]
    for item in report.excused:
        suppression = {"kind": "external", "status": "accepted", "justification": safe(item.reason)}
        results.append(_result(item.flag, order) | {"suppressions": [suppression]})
    driver = {
        "name": "Headway",
        "semanticVersion": __version__,
        "rules": [_rule(code, report.titles.get(code, code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "exitCode": 0 if report.passed else 1}],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=2, ensure_ascii=True) + "\n"


def _rule(code: str, title: str) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": title},
        "help": {"text": f"headway explain {code}"},
    }


def _result(flag: Flag, order: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": flag.code,
        "ruleIndex": order[flag.code],
        "level": _LEVELS[flag.level],
        "message": {"text": safe(flag.message) or flag.code},
        "partialFingerprints": {"headway/v1": hashlib.sha256(flag.fingerprint.encode(errors="replace")).hexdigest()},
    }
    if flag.file:
        # GitHub wants a place in a file; a finding is about the file as a whole.
        place = {"artifactLocation": {"uri": quote(flag.file)}, "region": {"startLine": 1}}
        result["locations"] = [{"physicalLocation": place}]
    if flag.path:
        steps = [{"location": {"message": {"text": f"{s.kind.replace('_', ' ')} {safe(s.name)}"}}} for s in flag.path]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return result
