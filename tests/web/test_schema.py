"""The API does what its OpenAPI document says, whatever is sent to it."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from web_site import Site, site

from headway.questions.registry import questions
from headway.web.access.permissions import LEAST, kind_of

load_all_checks()

LIMITED = settings(
    max_examples=int(os.environ.get("HEADWAY_SCHEMA_EXAMPLES", "8")),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Few per route and kind; the routes are many."""

# Not among them: that everything is accepted which fits the schema (a name that fits may not exist, a day may be over),
# and what is about authentication, of which test_access.py has a table.
HELD = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    )
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(tmp_path_factory.mktemp("schema"))


@pytest.fixture(scope="module")
def api(served: Site) -> Any:
    return schemathesis.openapi.from_asgi("/api/openapi.json", served.app, headers={"host": "127.0.0.1"})


def test_every_route_keeps_its_word(api: Any, served: Site) -> None:
    """What fits the schema and what does not, for every route; all that is wrong is told at once."""
    token = served.client().get("/api/me").json()["token"]
    wrong: dict[str, str] = {}
    answered: Counter[int] = Counter()

    def check(case: Any) -> None:
        response = case.call(headers={"host": "127.0.0.1", "x-csrf-token": token})
        answered[response.status_code] += 1
        case.validate_response(response, checks=HELD)
        assert "Traceback" not in response.text

    for found in api.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                # A function of its own each time: Hypothesis writes its settings onto it.
                held = given(operation.as_strategy(generation_mode=mode))(lambda case: check(case))  # noqa: PLW0108
                LIMITED(held)()
            except Unsatisfiable:
                continue  # nothing about this route can be wrong
            except Exception as error:
                wrong[f"{operation.method.upper()} {operation.path} {mode.name.lower()}"] = str(error)[:700]
    assert not wrong, "\n\n".join(f"{k}: {v}" for k, v in wrong.items())
    assert answered.total() > 300
    assert {200, 201, 400, 404, 422} <= set(answered), answered


def test_every_question_is_a_route_with_its_parameters(served: Site) -> None:
    paths = served.client().get("/api").json()["paths"]
    for question in questions().values():
        operation = paths[f"/api/questions/{question.name}"]["get"]
        given = {p["name"]: p for p in operation["parameters"]}
        assert set(given) == {*question.parameters, "limit", "offset"}
        assert operation["summary"] == question.summary
        for name, parameter in question.parameters.items():
            assert bool(given[name].get("required")) == parameter.required
            assert given[name].get("description", "") == parameter.says.help


def test_the_document_says_which_role_a_route_needs(served: Site) -> None:
    for path, methods in served.client().get("/api").json()["paths"].items():
        for method, operation in methods.items():
            assert operation["x-least-role"] == LEAST[kind_of(method, path)]
            assert bool(operation["security"]) == (operation["x-least-role"] is not None)


def test_the_document_can_be_asked_for_under_both_addresses_and_names_each_operation_once(served: Site) -> None:
    client = served.client()
    document = client.get("/api").json()
    assert document == client.get("/api/openapi.json").json()
    ids = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))
    assert "HTTPValidationError" not in json.dumps(document)


def test_answers_are_those_of_the_published_schema(served: Site) -> None:
    import jsonschema

    published = json.loads((Path(__file__).resolve().parents[2] / "docs/answer.schema.json").read_text())
    client = served.client()
    for question in questions().values():
        if not any(p.required for p in question.parameters.values()):
            answer = client.get(f"/api/questions/{question.name}")
            assert answer.status_code == 200, (question.name, answer.text)
            jsonschema.validate(answer.json(), published)
