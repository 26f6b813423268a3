"""The findings of a check beside the code: GitHub's workflow commands and GitLab's code quality report."""

from __future__ import annotations

import hashlib
import json

from headway.answer import Flag, Report
from headway.render.values import safe

_NO_FILE = "dbt_project.yml"
"""GitLab shows nothing without a file: where none is known, the project's own."""


def github(report: Report) -> str:
    """A workflow command per finding, and one with the headline.

    The format: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    kinds = {"error": "error", "warn": "warning"}
    lines = [f"::{kinds[flag.level]} {_properties(flag)}::{_data(flag.message)}" for flag in report.flags]
    kind = "notice" if report.passed else "error"
    return "\n".join([*lines, f"::{kind} title=headway check::{_data(report.headline)}"]) + "\n"


def _properties(flag: Flag) -> str:
    place = f"file={_property(flag.file)},line=1," if flag.file else ""
    return f"{place}title={_property(f'{flag.code} {flag.gate}')}"


def _data(text: str) -> str:
    return safe(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(report: Report) -> str:
    """A list of issues in GitLab's code quality format (https://docs.gitlab.com/ci/testing/code_quality)."""
    issues = [
        {
            "description": safe(flag.message),
            "check_name": flag.code,
            "fingerprint": hashlib.sha256(f"{flag.gate} {flag.fingerprint}".encode(errors="replace")).hexdigest(),
            "severity": "major" if flag.level == "error" else "minor",
            "location": {"path": flag.file or _NO_FILE, "lines": {"begin": 1}},
        }
        for flag in report.flags
    ]
    return json.dumps(issues, indent=2, ensure_ascii=True) + "\n"
