"""What dbt 1.12 and later declare under a model: its semantic model, and metrics.

    models:
      - name: orders
        semantic_model: {enabled: true, name: sales}
        metrics:
          - {name: revenue, type: simple, agg: sum, expr: amount}

What stands there leaves the manifest without a trace once the semantic model is switched off: neither it nor any of
these metrics is then listed as disabled. dbt reads none of it from anywhere but the model's own property file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from headway.errors import InputError
from headway.project.dbt_files import DbtFiles, Resource
from headway.project.yaml_edit import Document

if TYPE_CHECKING:
    from headway.project.yaml_edit import Step

SEMANTIC = "semantic_model"
NESTED = frozenset({"metric", SEMANTIC})
"""Types of what may stand under a model."""
ONLY_SEMANTIC = ("agg_time_dimension", "primary_entity", "derived_semantics")
"""Keys of a model that say something about its semantic model and nothing else."""


def model_step(name: str) -> Step:
    """Where a model stands in its property file."""
    return "models", "name", name


def owner(document: Document, resource: Resource) -> str:
    """Name of the model that a metric or semantic model is declared under; '' when it has an entry of its own.

    '' too when the file does not declare it at all. Raises InputError when something is declared twice.
    """
    if resource.resource_type not in NESTED or document.has(*resource.steps):
        return ""
    if resource.resource_type == "metric":
        below = document.under("models", "metrics")
        return next((model for model, names in below.items() if resource.name in names), "")
    return next((m for m in document.under("models", "metrics") if semantic_name(document, m) == resource.name), "")


def semantic_name(document: Document, model: str) -> str:
    """Name of the semantic model that a model declares with itself; '' when it declares none."""
    step = model_step(model)
    if SEMANTIC not in document.keys(step):
        return ""
    return document.value("name", step, into=(SEMANTIC,)) or model


def staying(files: DbtFiles, going: AbstractSet[str]) -> Iterator[tuple[str, Resource]]:
    """What would go without being meant to: a model or semantic model that goes, and a metric declared with it.

    Yields unique ids of what cannot go therefore, each with the metric that stays.
    """
    stays: dict[str, list[Resource]] = {}
    for resource in files.resources.values():
        ours = resource.package_name == files.name and resource.resource_type in NESTED
        if ours and resource.unique_id not in going and resource.unique_id not in files.off:
            stays.setdefault(resource.original_file_path, []).append(resource)
    for uid in sorted(going):
        one = files.resources.get(uid)
        if one is None or one.resource_type not in {"model", SEMANTIC} or one.properties not in stays:
            continue
        try:
            document = files.document(one.properties)
            name = one.name if one.resource_type == "model" else owner(document, one)
            kept = [r for r in stays[one.properties] if name and owner(document, r) == name]
        except InputError:
            continue  # what cannot be read is told when it is to be edited
        whole = one.resource_type == SEMANTIC or not _other_versions(files, one, going)
        if kept and whole:
            yield uid, kept[0]


def _other_versions(files: DbtFiles, model: Resource, going: Collection[str]) -> bool:
    """Whether versions of a model stay, and with them what is declared under its name."""
    prefix = model.unique_id.rpartition(".")[0]
    if model.version is None:
        return False
    return any(u.rpartition(".")[0] == prefix and u not in going for u, r in files.resources.items() if r.version)
