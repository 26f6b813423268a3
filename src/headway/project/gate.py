"""`headway check`: gates, each a question with a limit, asked of a project and of what it was before a change.

Stateless: a manifest and the goals are enough. Where there is a store, what only a sync reads (dashboards, use, cost)
comes from it. The goals are today's on both sides, so that a change of the project is judged by one measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace as with_

from headway.answer import Answer, Excused, Finding, Flag, Report, Verdict, fingerprint, listed, plural
from headway.config import Gate, Source
from headway.errors import ConfigError, HeadwayError, UnknownName, UsageError
from headway.graph.change import changes
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Gap
from headway.project.against import Against
from headway.project.baseline import Baseline
from headway.project.plugins import connector_class
from headway.project.values import manifest_path
from headway.project.workspace import Project
from headway.questions.change import compared, objectives_touched
from headway.questions.explanations import explanation, sentence
from headway.questions.registry import Question, questions

SHIPPED: tuple[Gate, ...] = (
    Gate("new-assets"),
    Gate("changed-metrics", name="lost-metrics", parameters={"effect": "gone"}),
    Gate("changed-dashboards"),
    Gate("new-duplicates"),
    Gate("standing"),
    Gate("impact", level="warn"),
    Gate("changed-metrics", level="warn", parameters={"effect": "changed"}),
    Gate("alignment-change", level="warn"),
    Gate("deprecated-upstream", level="warn"),
    Gate("unowned", level="warn"),
)
"""What is asked where headway.yml has no `gates:`."""

OF_CHANGE = frozenset({"HW801", "HW802", "HW803", "HW804", "HW805", "HW807"})
"""Questions about a change: they compare by themselves, and find nothing without an earlier state."""


@dataclass(frozen=True, slots=True)
class _Exception:
    """A finding that the project itself excuses: `meta.headway.ignore` of a node."""

    code: str
    because: str
    until: date


def check(
    project: Project,
    *,
    against: str = "",
    baseline: str = "",
    update: bool = False,
    only: Sequence[str] = (),
    columns: bool = False,
) -> Report:
    """Ask every gate (or those named in `only`) and judge what the change adds.

    `against` is a manifest.json, a folder that holds one, or a git revision whose manifest is known; '' judges the
    project as it is. `baseline` is a file of findings that are known and not counted; `update` takes from it what is
    gone, and writes it where there is none. `columns` also follows columns through compiled SQL.

    Raises HeadwayError when the manifest, the goals, the baseline or a gate cannot be used.
    """
    gates = _chosen(project.config.gates if project.config.gates is not None else SHIPPED, only)
    with Against(against, Path(project.config.root)) as earlier:
        graph = _graph(project, earlier, columns=columns)
        known = Baseline.read(Path(baseline) if baseline else None, missing_is_empty=update)
        judge = _Judge(graph, _prefix(Path(project.config.root)), known, _newer(project, graph))
        for gate, question in _askable(gates, graph):
            judge.ask(gate, question)
    if update:
        known.write(judge.fingerprints, Path(baseline))
    return judge.report()


def _chosen(gates: Sequence[Gate], only: Sequence[str]) -> list[tuple[Gate, Question]]:
    """Gates with their questions. Raises UnknownName and ConfigError."""
    asked = questions()
    missing = [name for name in only if all(name not in (g.title, g.question) for g in gates)]
    if missing:
        raise UnknownName("gate", missing[0], [g.title for g in gates])
    found = []
    for gate in gates:
        question = asked.get(gate.question)
        if question is None:
            raise ConfigError(f"gates: there is no question {gate.question!r}", hint="headway --help lists them")
        if question.supplied:
            # It would be asked without what it is about, and pass whatever there is.
            hint = f"headway {question.name} --limit {gate.limit} exits with 1 over its limit"
            raise ConfigError(f"gates: the question {gate.question} is not about the project's files alone", hint=hint)
        unknown = set(gate.parameters) - set(question.parameters)
        needed = {p.name for p in question.parameters.values() if p.required} - set(gate.parameters)
        if unknown or needed:
            what = f"has no parameter {min(unknown)!r}" if unknown else f"needs the parameter {min(needed)!r}"
            raise ConfigError(f"gates: the question {gate.question} {what}")
        if not only or gate.title in only or gate.question in only:
            found.append((gate, question))
    return found


def _askable(gates: Sequence[tuple[Gate, Question]], graph: Graph) -> list[tuple[Gate, Question]]:
    """Without an earlier state, only gates that are not about a change. Raises UsageError when none is left."""
    if graph.base is not None:
        return list(gates)
    left = [(gate, question) for gate, question in gates if question.code not in OF_CHANGE]
    if gates and not left:
        names = listed([gate.title for gate, _ in gates])
        raise UsageError(f"{names}: there is nothing to compare with", hint="--against names the earlier manifest.json")
    return left


# ---------------------------------------------------------------------- the two graphs


def _graph(project: Project, earlier: Against, *, columns: bool) -> Graph:
    """The project's graph, with the one before it as its base."""
    dbt = next((s for s in project.config.sources if s.connector == "dbt"), None)
    if dbt is None:
        message = "a manifest of dbt is what is checked, and dbt: false in headway.yml says that there is none"
        raise ConfigError(message, hint="--manifest names one; --limit makes a gate of any question")
    comparing = earlier.manifest is not None
    options: dict[str, Any] = {**dbt.options, "mmap": True, "facets": comparing}
    shared = list(_shared(project))

    def built(options: Mapping[str, Any], base: Graph | None) -> Graph:
        records: list[AnyRecord] = [*project.records(Source("dbt", options)), *shared]
        if columns:
            where = {key: options[key] for key in ("target", "manifest") if key in options}
            records += project.records(Source("columns", {**where, "cache": ""}))
        config = project.config
        return Graph(
            records,
            as_of=project.as_of,
            policy=config.policy,
            protected=config.protected,
            prices=config.prices,
            base=base,
            goal_order=config.goal_order,
        )

    base = None
    if comparing:
        before = {k: v for k, v in options.items() if k != "target"}
        base = built({**before, "manifest": str(earlier.manifest)}, None)
    return built(options, base)


def _shared(project: Project) -> Iterator[AnyRecord]:
    """Everything that is not dbt's: files as they are now, and what only a sync reads as the store has it."""
    synced = set()
    for source in project.config.sources:
        if source.connector in {"dbt", "columns"}:
            continue
        if getattr(connector_class(source.connector), "sync_only", False):
            synced.add(source.connector)
            continue
        try:
            yield from project.records(source)
        except HeadwayError as error:
            if source.connector in {"goals", "observations"} or isinstance(error, ConfigError):
                raise
            yield Gap(topic=source.connector, message=f"{source.connector} could not be read: {error}")
    if synced:
        yield from project.kept(synced)


def _newer(project: Project, graph: Graph) -> list[Gap]:
    """Files of the project that were changed after dbt wrote the manifest: what is in them was not judged."""
    root = Path(project.config.root)
    try:
        written = manifest_path(project).stat().st_mtime
    except OSError:
        return []
    names = {node.path for node in graph.nodes if node.path and not node.path.startswith(("/", ".."))}
    newer = []
    for name in sorted(names):
        try:
            if (root / name).stat().st_mtime > written:
                newer.append(name)
        except (OSError, ValueError):
            continue  # a file of a package, or one that is gone
    if not newer:
        return []
    verb = "was" if len(newer) == 1 else "were"
    message = f"{plural(len(newer), 'file')} {verb} changed after the manifest was written: {listed(newer)}"
    return [Gap(topic="change", message=message, hint="run dbt parse, and check again")]


def _prefix(root: Path) -> str:
    """Path of the project inside its repository, with a slash at its end; '' at the root of it, or without one."""
    root = root.resolve()
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            inside = root.relative_to(folder).as_posix()
            return "" if inside == "." else f"{inside}/"
    return ""


# ---------------------------------------------------------------------- judging


class _Judge:
    """Collects verdicts, flags and what was excused."""

    def __init__(self, graph: Graph, prefix: str, known: Baseline, gaps: Sequence[Gap] = ()) -> None:
        self._graph = graph
        self._prefix = prefix
        self._known = known
        self._verdicts: list[Verdict] = []
        self._flags: list[Flag] = []
        self._excused: list[Excused] = []
        self._gaps: dict[Gap, None] = dict.fromkeys((*gaps, *compared(graph)))
        self._codes: dict[str, str] = {}
        self.fingerprints: dict[str, str] = {}
        """Every finding of today that nothing in the project excuses, with its sentence."""

    def ask(self, gate: Gate, question: Question) -> None:
        """Ask a gate's question and hold its answer against the limit."""
        answer = question.ask(self._graph, **gate.parameters)
        self._codes.setdefault(question.code, explanation(question).title)
        self._gaps.update(dict.fromkeys(answer.gaps))
        before = self._before(gate, question)
        wanted = self._wanted(gate)
        kept: list[Finding] = []
        flags: list[Flag] = []
        for section in (answer, *answer.sections):
            for row in section.rows:
                if not row.counts or (wanted is not None and row.node not in wanted):
                    continue
                flag = self._flag(gate, question, section, row)
                known = [*flags, *(e.flag for e in self._excused if e.flag.gate == gate.title)]
                if flag.fingerprint in before or any(f.fingerprint == flag.fingerprint for f in known):
                    continue
                if reason := self._excuse(flag):
                    self._excused.append(Excused(flag, reason))
                    continue
                kept.append(row)
                flags.append(flag)
        judged = with_(answer, rows=tuple(kept) if not answer.sections else (), sections=())
        if answer.sections:
            judged = with_(judged, columns=answer.sections[0].columns, rows=tuple(kept))
        verdict = Verdict(judged, gate.limit, gate.title, gate.level)
        failing = gate.level == "error" and not verdict.passed
        self._verdicts.append(verdict)
        self._flags += [with_(flag, failing=failing) for flag in flags]

    def _before(self, gate: Gate, question: Question) -> set[str]:
        """Fingerprints of what was found before the change, for questions that do not compare by themselves."""
        base = self._graph.base
        if base is None or question.code in OF_CHANGE:
            return set()
        answer = question.ask(base, **gate.parameters)
        parts = (answer, *answer.sections)
        return {fingerprint(question.code, row) for part in parts for row in part.rows if row.counts}

    def _wanted(self, gate: Gate) -> set[str] | None:
        if not gate.select:
            return None
        graphs = [g for g in (self._graph, self._graph.base) if g is not None]
        return {g.nodes[i].id for g in graphs for i in g.configured(gate.select, f"gates: {gate.title}")}

    def _flag(self, gate: Gate, question: Question, answer: Answer, row: Finding) -> Flag:
        record = {c.key: v for c, v in zip(answer.columns, row.values, strict=True)}
        return Flag(
            gate=gate.title,
            code=question.code,
            level=gate.level,
            message=sentence(question.code, answer, record),
            fingerprint=fingerprint(question.code, row),
            node=row.node,
            file=self._file(row.node),
            path=row.path,
        )

    def _file(self, node: str) -> str:
        for graph in (self._graph, self._graph.base):
            if graph is not None and node in graph.index:
                found = graph.nodes[graph.index[node]]
                path = found.path or (found.origin.file if found.origin.connector == "goals" else "")
                return "" if not path or Path(path).is_absolute() or ".." in path else f"{self._prefix}{path}"
        return ""

    # ------------------------------------------------------------------ what is excused

    def _excuse(self, flag: Flag) -> str:
        """Why a finding is not counted; '' when it is."""
        index = self._graph.index.get(flag.node)
        for exception in self._exceptions(index) if index is not None else ():
            if exception.code == flag.code:
                return f"{exception.because} (until {exception.until})"
        self.fingerprints[flag.fingerprint] = flag.message
        return "it is in the baseline" if self._known.knows(flag.fingerprint) else ""

    def _exceptions(self, i: int) -> Iterator[_Exception]:
        """What a node excuses under `meta.headway.ignore`. One that is not complete, or is over, is a gap."""
        node = self._graph.nodes[i]
        said = node.meta.get("ignore")
        for item in said if isinstance(said, list) else [said] if said else []:
            found = _exception(item)
            if isinstance(found, str):
                message = f"{node.name}: meta.headway.ignore does not count, because {found}"
            elif found.until < self._graph.as_of:
                message = f"{node.name}: the exception of {found.code} is over since {found.until}"
            else:
                yield found
                continue
            hint = "write {code: HW802, because: why, until: 2027-01-31}"
            self._gaps[Gap(topic="exceptions", message=message, node=node.id, hint=hint, origin=node.origin)] = None

    # ------------------------------------------------------------------ the report

    def report(self) -> Report:
        """Everything that was found."""
        stale = self._known.fingerprints - self.fingerprints.keys()
        if stale:
            message = f"{plural(len(stale), 'finding')} of the baseline {'is' if len(stale) == 1 else 'are'} gone"
            self._gaps[Gap(topic="baseline", message=message, hint="headway check --update-baseline")] = None
        objectives = tuple(objectives_touched(self._graph))
        return Report(
            headline=self._headline(objectives),
            verdicts=tuple(self._verdicts),
            flags=tuple(self._flags),
            as_of=self._graph.as_of,
            compared=self._graph.base is not None,
            objectives=objectives,
            excused=tuple(self._excused),
            gaps=tuple(self._gaps),
            titles=self._codes,
        )

    def _headline(self, objectives: Sequence[str]) -> str:
        failed = [v.gate for v in self._verdicts if v.level == "error" and not v.passed]
        warned = [v.gate for v in self._verdicts if v.level == "warn" and not v.passed]
        difference = changes(self._graph)
        if difference is None:
            touches = ""
        elif objectives:
            touches = f"This change touches {plural(len(objectives), 'objective')}: {listed(objectives)}. "
        else:
            touches = "This change touches no objective. "
        total = len(self._verdicts)
        if failed:
            verdict = f"{len(failed)} of {plural(total, 'gate')} failed: {listed(failed)}."
        elif total == 1:
            verdict = "The gate passed."
        else:
            verdict = f"All {plural(total, 'gate')} passed." if total else "There is no gate."
        if difference is None:
            verdict += " Those about a change were not asked."
        if warned:
            verdict += f" {plural(len(warned), 'warning')}: {listed(warned)}."
        return touches + verdict


def _exception(item: Any) -> _Exception | str:
    """An exception as it was written, or what is missing in it."""
    if not isinstance(item, Mapping):
        return "it is no mapping"
    code, because, until = item.get("code"), item.get("because"), item.get("until")
    if not isinstance(code, str) or not code:
        return "it names no code"
    if not isinstance(because, str) or not because.strip():
        return f"it gives no reason for {code[:20]}"
    try:
        day = until if isinstance(until, date) else date.fromisoformat(str(until)[:10])
    except ValueError:
        return f"it says no day until which {code[:20]} is excused"
    return _Exception(code, because.strip(), day)
