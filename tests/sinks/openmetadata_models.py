"""A process that holds what is sent against the models of OpenMetadata's SDK: one line of JSON in, one line out.

Run by a Python that has `openmetadata-ingestion`; it needs nothing of Headway. In: {"kind": ..., "body": ...}, where
the kind is a part of the API, `entity <part>` or `patch`. Out: a JSON string, empty where nothing is wrong. Texts of
the SDK's own go to stderr.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

SCHEMA = "metadata.generated.schema"
MODELS = {
    "glossaries": "api.data.createGlossary.CreateGlossaryRequest",
    "glossaryTerms": "api.data.createGlossaryTerm.CreateGlossaryTermRequest",
    "classifications": "api.classification.createClassification.CreateClassificationRequest",
    "tags": "api.classification.createTag.CreateTagRequest",
    "domains": "api.domains.createDomain.CreateDomainRequest",
    "metadata/types": "type.customProperty.CustomProperty",
    "entity glossaries": "entity.data.glossary.Glossary",
    "entity glossaryTerms": "entity.data.glossaryTerm.GlossaryTerm",
    "entity classifications": "entity.classification.classification.Classification",
    "entity tags": "entity.classification.tag.Tag",
    "entity domains": "entity.domains.domain.Domain",
    "entity tables": "entity.data.table.Table",
    "entity dashboards": "entity.data.dashboard.Dashboard",
    "entity charts": "entity.data.chart.Chart",
}


def problem(kind: str, body: Any) -> str:
    """What is wrong with a body, or ''."""
    if kind == "patch":
        jsonpatch = import_module("jsonpatch")
        made = jsonpatch.apply_patch(body["before"], body["patch"])
        return "" if made == body["after"] else f"the patch makes {json.dumps(made)[:500]}"
    module, _, name = MODELS[kind].rpartition(".")
    model = getattr(import_module(f"{SCHEMA}.{module}"), name)
    model.model_validate_json(json.dumps(body))
    return ""


def main() -> None:
    """Answer until the input ends."""
    out = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        said = json.loads(line)
        try:
            answer = problem(said["kind"], said["body"])
        except Exception as error:
            answer = f"{type(error).__name__}: {str(error)[:800]}"
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
