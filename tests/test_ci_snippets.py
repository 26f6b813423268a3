"""The pipelines in docs/gate.md held against the schemas of GitHub and GitLab, as check-jsonschema ships them."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

PAGE = Path(__file__).parents[1] / "docs/gate.md"
SNIPPETS = {".github/workflows/headway.yml": "github-workflows", ".gitlab-ci.yml": "gitlab-ci"}


def snippet(name: str) -> Any:
    """The YAML block that begins with the file's name."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(f"# {name}\n")]
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)  # where `on` is no boolean, as both read it
    return yaml.load(found)


def schema(name: str) -> Any:
    """A schema that check-jsonschema ships; only its files are used, so nothing of it is imported."""
    try:
        shipped = distribution("check-jsonschema")
    except PackageNotFoundError:
        pytest.skip("the package check-jsonschema is not installed")
    path = Path(str(shipped.locate_file(f"check_jsonschema/builtin_schemas/vendor/{name}.json")))
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "by"), SNIPPETS.items())
def test_a_pipeline_in_the_docs_is_one(name: str, by: str) -> None:
    rules = schema(by)
    jsonschema.validators.validator_for(rules)(rules).validate(snippet(name))


@pytest.mark.parametrize(("name", "by"), SNIPPETS.items())
def test_the_schema_tells_what_is_no_pipeline(name: str, by: str) -> None:
    rules, broken = schema(by), snippet(name)
    if by == "gitlab-ci":
        broken["headway"]["artifacts"]["when"] = "sometimes"
    else:
        broken["jobs"]["check"]["steps"][0]["useses"] = "x"
    assert not jsonschema.validators.validator_for(rules)(rules).is_valid(broken)
