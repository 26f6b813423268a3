"""The report of a check as JUnit XML, which every pipeline shows: a test case per gate."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from headway.answer import Report
from headway.render.values import safe_lines

_NOT_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def render(report: Report) -> str:
    """A gate of the level error over its limit is a failure; one that only warns has its findings as output."""
    failed = sum(v.outcome == "failed" for v in report.verdicts)
    counts = {"tests": str(len(report.verdicts)), "failures": str(failed), "errors": "0"}
    suites = ET.Element("testsuites", {"name": "headway check", **counts})
    about = {"name": "headway check", **counts, "skipped": "0", "time": "0", "timestamp": f"{report.as_of}T00:00:00"}
    suite = ET.SubElement(suites, "testsuite", about)
    for verdict in report.verdicts:
        case = {"name": _text(verdict.gate), "classname": f"headway.{verdict.answer.code}", "time": "0"}
        element = ET.SubElement(suite, "testcase", case)
        lines = [
            f"{flag.code} {flag.message}" + (f" ({flag.file})" if flag.file else "")
            for flag in report.flags
            if flag.gate == verdict.gate
        ]
        told = _text("\n".join(lines))
        if verdict.outcome == "failed":
            message = _text(verdict.answer.headline)
            ET.SubElement(element, "failure", {"message": message, "type": verdict.answer.code}).text = told
        elif lines:
            ET.SubElement(element, "system-out").text = told
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _text(text: str) -> str:
    """The text with what could steer a terminal as visible escapes, and without what XML cannot hold."""
    return safe_lines(text).translate(_NOT_XML)
