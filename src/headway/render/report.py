"""The report of a check, by format. Nothing heavy is loaded before a format is used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from headway.answer import Flag, Report, plural
from headway.errors import UnknownName
from headway.render.values import UNSEEN, plain, safe

_MOST = 20
"""Findings of a gate, and gaps, that the text shows; machines get all."""


_UNSEEN = re.compile(f"[{UNSEEN}]")


def text(report: Report) -> str:
    """For a terminal: the headline, a line per gate with its findings below, what was excused and is not known."""
    return "\n".join([safe(report.headline), "", *_gates(report), *_excused(report), *_gaps(report)]).rstrip() + "\n"


def _gates(report: Report) -> Iterator[str]:
    width = max((len(v.gate) for v in report.verdicts), default=0)
    order = {"failed": 0, "warning": 1, "passed": 2}
    for k in sorted(range(len(report.verdicts)), key=lambda k: (order[report.verdicts[k].outcome], k)):
        verdict = report.verdicts[k]
        found = verdict.answer.findings
        said = plural(found, "finding") + (f", at most {verdict.limit:,}" if verdict.limit else "") if found else ""
        yield f"{verdict.outcome:<8} {verdict.gate:<{width}}  {said}".rstrip()
        mine = [flag for flag in report.flags if flag.gate == verdict.gate]
        for flag in mine[:_MOST]:
            where = f"  {safe(flag.file)}" if flag.file else ""
            yield f"         {flag.code}  {safe(flag.message)}{where}"
        if len(mine) > _MOST:
            yield f"         and {len(mine) - _MOST:,} more"


def _excused(report: Report) -> Iterator[str]:
    if report.excused:
        yield ""
        yield f"Not counted: {plural(len(report.excused), 'finding')}"
        for item in report.excused[:_MOST]:
            yield f"         {item.flag.code}  {safe(item.flag.message)}: {safe(item.reason)}"
        if len(report.excused) > _MOST:
            yield f"         and {len(report.excused) - _MOST:,} more"


def _gaps(report: Report) -> Iterator[str]:
    if report.gaps:
        yield ""
        yield "What we do not know"
        for gap in report.gaps[:_MOST]:
            yield f"  {safe(gap.topic)}: {safe(gap.message)}" + (f" ({safe(gap.hint)})" if gap.hint else "")
        if len(report.gaps) > _MOST:
            yield f"  and {len(report.gaps) - _MOST:,} more"


def as_json(report: Report) -> str:
    """Everything, for machines; the same report gives the same bytes."""
    document = {
        "headline": plain(report.headline),
        "as_of": report.as_of.isoformat(),
        "passed": report.passed,
        "compared": report.compared,
        "objectives": [plain(o) for o in report.objectives],
        "gates": [
            {
                "gate": plain(v.gate),
                "question": v.answer.question,
                "code": v.answer.code,
                "level": v.level,
                "limit": v.limit,
                "findings": v.answer.findings,
                "outcome": v.outcome,
                "headline": plain(v.answer.headline),
            }
            for v in report.verdicts
        ],
        "findings": [_flag(flag) for flag in report.flags],
        "excused": [_flag(e.flag) | {"reason": plain(e.reason)} for e in report.excused],
        "gaps": [{"topic": plain(g.topic), "message": plain(g.message), "hint": plain(g.hint)} for g in report.gaps],
    }
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    # JSON escapes only the first 32 control characters; the others can steer a terminal just as well.
    return _UNSEEN.sub(lambda m: json.dumps(m.group())[1:-1], text) + "\n"


def _flag(flag: Flag) -> dict[str, object]:
    names = ("gate", "code", "level", "message", "fingerprint", "node", "file")
    steps = [{"node": plain(s.node), "kind": s.kind, "name": plain(s.name)} for s in flag.path]
    return {name: plain(getattr(flag, name)) for name in names} | {"failing": flag.failing, "path": steps}


def _sarif(report: Report) -> str:
    from headway.render.sarif import render

    return render(report)


def _junit(report: Report) -> str:
    from headway.render.junit import render

    return render(report)


def _github(report: Report) -> str:
    from headway.render.annotations import github

    return github(report)


def _gitlab(report: Report) -> str:
    from headway.render.annotations import gitlab

    return gitlab(report)


def _comment(report: Report) -> str:
    from headway.render.comment import render

    return render(report)


REPORTS: Mapping[str, Callable[[Report], str]] = {
    "text": text,
    "json": as_json,
    "sarif": _sarif,
    "junit": _junit,
    "github": _github,
    "gitlab": _gitlab,
    "comment": _comment,
}
"""Format name -> function that gives the report as text ending in a newline."""


def report_as(name: str, report: Report) -> str:
    """The report in the named format. Raises UnknownName for a format that there is not."""
    if name not in REPORTS:
        raise UnknownName("format", name, tuple(REPORTS))
    return REPORTS[name](report)
