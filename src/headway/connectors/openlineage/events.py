"""OpenLineage events as far as Headway reads them: a list of what is allowed in, not of what is kept out.

Shapes are those of OpenLineage 2-0-0 and its facets (openlineage.io/spec). Fields that are not named here are passed
over unread: among them SQL, error messages, environment variables and statistics. Facets stay as they were written
until they are wanted, since most are overtaken by a newer event.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_TEAMS = ("team:", "group:")
_BOM = b"\xef\xbb\xbf"

Raw = msgspec.Raw
_NONE = msgspec.Raw()


class Shape(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Base of everything below."""


class JobFacets(Shape, frozen=True):
    """Facets of a job that are read."""

    jobType: Raw = _NONE  # noqa: N815 - names are those of the events
    ownership: Raw = _NONE
    documentation: Raw = _NONE
    sourceCodeLocation: Raw = _NONE  # noqa: N815
    tags: Raw = _NONE


class DatasetFacets(Shape, frozen=True):
    """Facets of a dataset that are read."""

    symlinks: Raw = _NONE
    ownership: Raw = _NONE
    documentation: Raw = _NONE
    tags: Raw = _NONE
    datasetType: Raw = _NONE  # noqa: N815
    lifecycleStateChange: Raw = _NONE  # noqa: N815
    columnLineage: Raw = _NONE  # noqa: N815
    dataQualityAssertions: Raw = _NONE  # noqa: N815


class InputFacets(Shape, frozen=True):
    """Facets of a dataset as the input of one run."""

    dataQualityAssertions: Raw = _NONE  # noqa: N815


class Job(Shape, frozen=True):
    """A job: what runs."""

    namespace: str
    name: str
    facets: JobFacets | None = None


class Dataset(Shape, frozen=True):
    """A dataset, on its own or as what a job reads or writes."""

    namespace: str
    name: str
    facets: DatasetFacets | None = None
    inputFacets: InputFacets | None = None  # noqa: N815


class RunFacets(Shape, frozen=True):
    """Facets of a run that are read."""

    parent: Raw = _NONE


class Run(Shape, frozen=True):
    """One run of a job."""

    runId: str  # noqa: N815
    facets: RunFacets | None = None


class Event(Shape, frozen=True):
    """A run event has `run` and `job`, a job event `job` alone, a dataset event `dataset`."""

    eventTime: datetime  # noqa: N815
    eventType: str | None = None  # noqa: N815
    producer: str = ""
    run: Run | None = None
    job: Job | None = None
    dataset: Dataset | None = None
    inputs: tuple[Dataset, ...] | None = None
    outputs: tuple[Dataset, ...] | None = None

    @property
    def at(self) -> datetime:
        """When it happened; without a time zone it is taken for UTC."""
        return self.eventTime if self.eventTime.tzinfo else self.eventTime.replace(tzinfo=UTC)


# --- Facets ----------------------------------------------------------------------------------------------------------


class RunNamed(Shape, frozen=True):
    """A run by its id alone."""

    runId: str  # noqa: N815


class Parent(Shape, frozen=True):
    """The run that started a run: of a DAG, or of an application."""

    run: RunNamed


class JobType(Shape, frozen=True):
    """Which integration a job is of, and what it is there."""

    integration: str = ""
    jobType: str | None = None  # noqa: N815
    processingType: str | None = None  # noqa: N815


class Owner(Shape, frozen=True):
    """`team:name`, `user:name`, `application:name`."""

    name: str
    type: str | None = None


class Ownership(Shape, frozen=True):
    """Who owns a job or a dataset."""

    owners: tuple[Owner, ...] | None = None


def answering(said: Ownership) -> Owner | None:
    """Who answers for it: the first team, or else the first owner."""
    owners = [owner for owner in said.owners or () if owner.name.strip()]
    return next((o for o in owners if o.name.strip().lower().startswith(_TEAMS)), owners[0] if owners else None)


class Documentation(Shape, frozen=True):
    """What a job or a dataset is for."""

    description: str = ""


class SourceCodeLocation(Shape, frozen=True):
    """Where the code of a job is."""

    url: str = ""
    path: str | None = None


class Tag(Shape, frozen=True):
    """A label; of a column when `field` is given."""

    key: str
    value: str | int | float | bool | None = ""
    field: str | None = None


class Tags(Shape, frozen=True):
    """Labels of a job or a dataset."""

    tags: tuple[Tag, ...] | None = None


class Identifier(Shape, frozen=True):
    """Another name of a dataset."""

    namespace: str
    name: str
    type: str | None = None


class Symlinks(Shape, frozen=True):
    """Further names of a dataset."""

    identifiers: tuple[Identifier, ...] | None = None


class DatasetType(Shape, frozen=True):
    """TABLE, VIEW, FILE, TOPIC, STREAM, MODEL."""

    datasetType: str = ""  # noqa: N815


class Lifecycle(Shape, frozen=True):
    """ALTER, CREATE, DROP, OVERWRITE, RENAME or TRUNCATE."""

    lifecycleStateChange: str = ""  # noqa: N815
    previousIdentifier: Identifier | None = None  # noqa: N815


class Transformation(Shape, frozen=True):
    """DIRECT: values go in. INDIRECT: it decides about rows, such as a filter."""

    type: str = ""


class InputField(Shape, frozen=True):
    """A column that another is made from."""

    namespace: str
    name: str
    field: str
    transformations: tuple[Transformation, ...] | None = None


class Fields(Shape, frozen=True):
    """What one column is made from."""

    inputFields: tuple[InputField, ...] | None = None  # noqa: N815


class ColumnLineageFacet(Shape, frozen=True):
    """What the columns of a dataset are made from; `dataset` is what all of them depend on."""

    fields: dict[str, Fields] = {}
    dataset: tuple[InputField, ...] | None = None


class Assertion(Shape, frozen=True):
    """One test of a dataset with its result. What was expected and what was found is not read."""

    assertion: str
    success: bool
    column: str | None = None
    severity: str | None = None
    name: str | None = None


class Assertions(Shape, frozen=True):
    """The tests of a dataset in one run."""

    assertions: tuple[Assertion, ...] = ()


FACETS: dict[str, type[Shape]] = {
    "parent": Parent,
    "jobType": JobType,
    "ownership": Ownership,
    "documentation": Documentation,
    "sourceCodeLocation": SourceCodeLocation,
    "tags": Tags,
    "symlinks": Symlinks,
    "datasetType": DatasetType,
    "lifecycleStateChange": Lifecycle,
    "columnLineage": ColumnLineageFacet,
    "dataQualityAssertions": Assertions,
}
"""Name of a facet -> its shape."""

_DECODER = msgspec.json.Decoder(Event)
_MANY = msgspec.json.Decoder(list[msgspec.Raw])


class Wrong(Exception):
    """Something is no OpenLineage event; the message says why in a few words, without what was in it."""


def decoded(line: bytes | msgspec.Raw) -> Event:
    """One event. Raises Wrong."""
    try:
        event = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        raise Wrong(f"this is no OpenLineage event: {_reason(error)}") from None
    except RecursionError:
        raise Wrong("it is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise Wrong("this is not JSON") from None
    if event.job is None and event.dataset is None:
        raise Wrong("this is no OpenLineage event: it has neither a job nor a dataset")
    return event


def several(data: bytes) -> list[msgspec.Raw]:
    """The elements of a JSON array. Raises Wrong."""
    try:
        return _MANY.decode(data.removeprefix(_BOM))
    except msgspec.ValidationError:
        raise Wrong("this is no list of OpenLineage events") from None
    except RecursionError:
        raise Wrong("it is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise Wrong("this is not JSON") from None


def facet(name: str, raw: bytes | msgspec.Raw, shape: type[T]) -> T | None:
    """A facet in its shape; None for one that is not as its name says, or that takes something back (`_deleted`)."""
    assert FACETS[name] is shape
    try:
        return _FACET[name].decode(raw)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return None


_FACET: dict[str, msgspec.json.Decoder[Any]] = {name: msgspec.json.Decoder(shape) for name, shape in FACETS.items()}


def _reason(error: msgspec.ValidationError) -> str:
    """What msgspec says, as far as it speaks of shapes: names of fields and types, never values."""
    said = str(error)
    if "Invalid enum" in said or "Invalid value" in said:
        said = said.partition(" ")[0]
    return said[:1].lower() + said[1:160].replace("`", "")
