"""`headway select`: what an objective stands on, as a selector of dbt's command line or of its selectors.yml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.errors import UsageError
from headway.project.dbt_files import DbtFiles
from headway.project.dbt_head import below, exposure_names, without_jinja
from headway.project.yaml_block import block
from headway.questions.evidence import the_goal

if TYPE_CHECKING:
    from headway.project.workspace import Project

_METHODS = {"metric": "metric", "source": "source", "exposure": "exposure"}


@dataclass(frozen=True, slots=True)
class Selector:
    """Everything upstream of some resources of dbt, these included."""

    name: str
    description: str
    criteria: Sequence[tuple[str, str]]
    """Method and value of each."""

    @property
    def words(self) -> str:
        """For `dbt build --select`: `+exposure:objective__grow`, or several parted by blanks."""
        if parted := next((value for _, value in self.criteria if " " in value), ""):
            hint = "headway select --format yaml writes a selector that names it"
            raise UsageError(f"{parted!r} has a blank in its name, and dbt parts --select at blanks", hint=hint)
        return " ".join(f"+{value}" if method == "fqn" else f"+{method}:{value}" for method, value in self.criteria)

    @property
    def yaml(self) -> str:
        """The same as a file selectors.yml."""
        union = [{"method": method, "value": value, "parents": True} for method, value in self.criteria]
        definition = {"union": union}
        said = without_jinja(self.description)
        text = block({"name": self.name, "description": said, "definition": definition})
        first, *rest = text.rstrip("\n").split("\n")
        return "\n".join(["selectors:", f"  - {first}", *(f"    {line}" for line in rest)]) + "\n"


def selector_of(project: Project, objective: str) -> Selector:
    """The selector of an objective, by its name: of its exposure when that was exported, and of what else is below it.

    What dbt knows of an exposure is as old as its last parse, and some of what is below may not be named there.

    Raises UnknownName for an objective that does not exist, UsageError for one that no resource of dbt is below, and
    InputError when there is no manifest.
    """
    graph = project.graph()
    goal = the_goal(graph, objective)
    files = DbtFiles.of(project.config)
    node = graph.nodes[goal]
    name = exposure_names(graph).get(goal, f"objective__{node.name}".replace("-", "_"))
    found: dict[tuple[str, str], None] = {}
    known: set[str] = set()
    exported = files.resources.get(f"exposure.{files.name}.{name}")
    there = exported is not None and exported.exported and exported.unique_id not in files.off
    if exported is not None and there and (files.root / exported.original_file_path).is_file():
        several = sum(r.resource_type == "exposure" and r.name == name for r in files.resources.values()) > 1
        found["exposure", f"{files.name}.{name}" if several else name] = None
        known = _upstream(files, exported.reads)
    for part in graph.goals_in(graph.goal_mask(goal)):
        for i in below(graph, files, part):
            resource = files.resources[graph.nodes[i].id.partition(":")[2]]
            if resource.unique_id in known:
                continue
            kind = resource.unique_id.partition(".")[0]
            words = [resource.source_name or "", resource.name] if kind == "source" else [resource.name]
            if resource.version is not None:
                words.append(f"v{resource.version}")
            if kind in {"source", "metric"} and resource.package_name not in {"", files.name}:
                words.insert(0, resource.package_name)
            found[_METHODS.get(kind, "fqn"), ".".join(words)] = None
    if not found:
        hint = "bind its key results to metrics or models"
        raise UsageError(f"nothing of dbt is below the objective {node.label}", hint=hint)
    return Selector(name, f"Everything that {node.label} stands on.", tuple(found))


def _upstream(files: DbtFiles, starts: Sequence[str]) -> set[str]:
    """Unique ids of some resources and of all that they read."""
    found, todo = set(starts), list(starts)
    while todo:
        resource = files.resources.get(todo.pop())
        fresh = [uid for uid in resource.reads if uid not in found] if resource else []
        found.update(fresh)
        todo += fresh
    return found
