"""Changes as proposals of DataHub's own SDK, which its services, files and sources take.

What people write, too, is only patched: single terms, tags, domains, owners, links and properties are added and taken
out, each with Headway as the source that it is attributed to; the same term that somebody added by hand stays. What is
written whole is ours: the definition of our terms, tags, domains, groups and properties, and whether they are
deprecated. Nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from headway.errors import MissingExtra
from headway.sinks.catalog import Change

SOURCE = "urn:li:dataPlatform:headway"
"""What our parts are attributed to."""
ACTOR = "urn:li:corpuser:headway"
GONE = "This goal has ended, or is not among the company's goals any more."
_ENTITY_TYPES = ("dataset", "dashboard", "chart")


def check_installed() -> None:
    """Raise MissingExtra where the SDK is not installed."""
    try:
        import datahub.metadata.schema_classes
        import datahub.specific.aspect_helpers.domains  # noqa: F401 - there since 1.7
    except ImportError:
        raise MissingExtra("datahub", "Telling DataHub of the goals") from None


def proposals(change: Change, now: datetime) -> list[Any]:
    """The proposals that make a change, each a MetadataChangeProposalClass. `now` is the time that they bear."""
    return list(_Maker(change, int(now.timestamp() * 1000)).make())


class _Maker:
    def __init__(self, change: Change, time: int) -> None:
        self._urn = change.key
        self._said: Mapping[str, Any] = change.said or {}
        self._gone = change.said is None
        self._before = change.before
        self._time = time

    def make(self) -> Iterator[Any]:
        what = self._said.get("is") or next((one["is"] for one in self._before if "is" in one), "")
        if what == "asset":
            yield from self._asset()
        elif self._gone:
            if what in {"term", "tag", "domain"}:
                yield self._whole(self._deprecation(deprecated=True))
        elif what == "property":
            yield self._whole(self._definition())
        else:
            yield self._whole(self._described(what))
            if what != "group":
                yield self._whole(self._deprecation(deprecated=False))
                yield from self._hung()

    # ------------------------------------------------------------------ what is ours as a whole

    def _whole(self, aspect: Any) -> Any:
        from datahub.emitter.mcp import MetadataChangeProposalWrapper

        return MetadataChangeProposalWrapper(entityUrn=self._urn, aspect=aspect).make_mcp()

    def _deprecation(self, *, deprecated: bool) -> Any:
        from datahub.metadata.schema_classes import DeprecationClass

        return DeprecationClass(deprecated=deprecated, note=GONE if deprecated else "", actor=ACTOR)

    def _definition(self) -> Any:
        from datahub.metadata.schema_classes import StructuredPropertyDefinitionClass

        return StructuredPropertyDefinitionClass(
            qualifiedName=self._said["name"],
            displayName=self._said["title"],
            description=self._said["text"],
            valueType="urn:li:dataType:datahub.string",
            cardinality="MULTIPLE",
            entityTypes=[f"urn:li:entityType:datahub.{name}" for name in _ENTITY_TYPES],
        )

    def _described(self, what: str) -> Any:
        from datahub.metadata.schema_classes import (
            DomainPropertiesClass,
            GlossaryNodeInfoClass,
            GlossaryTermInfoClass,
            TagPropertiesClass,
        )

        title, text, above = self._said["title"], self._said["text"], self._said["above"] or None
        if what == "group":
            return GlossaryNodeInfoClass(definition=text, name=title, parentNode=above)
        if what == "tag":
            return TagPropertiesClass(name=title, description=text)
        known = dict(self._said["known"])
        if what == "domain":
            return DomainPropertiesClass(name=title, description=text, parentDomain=above, customProperties=known)
        page = self._said["page"] or None
        return GlossaryTermInfoClass(
            definition=text,
            name=title,
            parentNode=above,
            termSource="EXTERNAL" if page else "INTERNAL",
            sourceRef="Headway" if page else None,
            sourceUrl=page,
            customProperties=known,
        )

    # ------------------------------------------------------------------ what people write, too

    def _hung(self) -> Iterator[Any]:
        """Owners, links and contained terms of a goal."""
        from datahub.metadata.schema_classes import OwnerClass, OwnershipTypeClass
        from datahub.specific.aspect_helpers.ownership import HasOwnershipPatch

        owners = HasOwnershipPatch(self._urn)
        kind = OwnershipTypeClass.BUSINESS_OWNER
        for owner in self._over("owners"):
            owners.remove_owner(owner, kind, attribution_source=SOURCE)
        for owner in self._said["owners"]:
            owners.add_owner(OwnerClass(owner, kind, attribution=self._attribution()))
        yield from owners.build()
        # The service reads what is to be removed before it unescapes it, so that no address can be named in a removal:
        # all links that we made are replaced at once by those that there are now.
        if self._said["links"] or self._over("links"):
            mine = {"op": "add", "path": f"/elements/{ACTOR}", "value": self._links()}
            yield self._patched("institutionalMemory", {"elements": ["createStamp\u241factor", "url"]}, [mine])
        below = "/hasRelatedTerms/"
        related = [{"op": "remove", "path": below + urn, "value": {}} for urn in self._over("contains")]
        related += [{"op": "add", "path": below + urn, "value": urn} for urn in self._said["contains"]]
        if related:
            yield self._patched("glossaryRelatedTerms", {"hasRelatedTerms": []}, related)

    def _links(self) -> dict[str, Any]:
        stamp = {"time": self._time, "actor": ACTOR}
        links = self._said["links"].items()
        return {url: {"url": url, "description": title, "createStamp": stamp} for url, title in links}

    def _patched(self, aspect: str, keys: Mapping[str, list[str]], operations: list[dict[str, Any]]) -> Any:
        """A patch of a list, for which the SDK has no builder that can also take out.

        Patched is the list as mappings of mappings, one for each of its keys; no keys: as a mapping of its texts.
        """
        from datahub.emitter.mcp_patch_builder import GenericJsonPatch
        from datahub.metadata.schema_classes import ChangeTypeClass, MetadataChangeProposalClass
        from datahub.utilities.urns.urn import guess_entity_type

        patch = GenericJsonPatch.from_dict({"arrayPrimaryKeys": keys, "patch": operations})
        return MetadataChangeProposalClass(
            entityUrn=self._urn,
            entityType=guess_entity_type(self._urn),
            changeType=ChangeTypeClass.PATCH,
            aspectName=aspect,
            aspect=patch.to_generic_aspect(),
        )

    def _asset(self) -> Iterator[Any]:
        """Terms, tags or domains, and properties of an asset."""
        from datahub.metadata.schema_classes import (
            DomainAssociationClass,
            GlossaryTermAssociationClass,
            StructuredPropertyValueAssignmentClass,
            TagAssociationClass,
        )
        from datahub.specific.aspect_helpers.domains import HasDomainsPatch
        from datahub.specific.aspect_helpers.structured_properties import HasStructuredPropertiesPatch
        from datahub.specific.aspect_helpers.tags import HasTagsPatch
        from datahub.specific.aspect_helpers.terms import HasTermsPatch

        class Patch(HasDomainsPatch, HasStructuredPropertiesPatch, HasTagsPatch, HasTermsPatch):  # type: ignore[misc]
            """What datasets, dashboards and charts have in common."""

        patch = Patch(self._urn)
        by = self._attribution()
        for urn in self._over("terms"):
            patch.remove_term(urn, SOURCE)
        for urn in self._said.get("terms", ()):
            patch.add_term(GlossaryTermAssociationClass(urn, actor=ACTOR, attribution=by))
        for urn in self._over("tags"):
            patch.remove_tag(urn, SOURCE)
        for urn in self._said.get("tags", ()):
            patch.add_tag(TagAssociationClass(urn, attribution=by))
        for urn in self._over("domains"):
            patch.remove_domain(urn, SOURCE)
        for urn in self._said.get("domains", ()):
            patch.add_domain(DomainAssociationClass(urn, attribution=by))
        for name in self._over("properties"):
            patch.remove_structured_property(_property(name), SOURCE)
        for name, values in self._said.get("properties", {}).items():
            told = StructuredPropertyValueAssignmentClass(_property(name), list(values), attribution=by)
            patch.set_structured_property_manual(told)
        yield from patch.build()

    def _attribution(self) -> Any:
        from datahub.metadata.schema_classes import MetadataAttributionClass

        return MetadataAttributionClass(time=self._time, actor=ACTOR, source=SOURCE)

    def _over(self, name: str) -> list[str]:
        """What we said, or may have said, and do not say any more."""
        now = self._said.get(name, ())
        said: dict[str, None] = {}
        for one in self._before:
            said.update(dict.fromkeys(one.get(name, ())))
        return [key for key in said if key not in now]


def in_file(told: Sequence[Any]) -> list[dict[str, Any]]:
    """Proposals as DataHub's file source reads them, and its file sink writes them."""
    import json

    found = []
    for one in told:
        plain = one.to_obj()
        plain["aspect"] = {"json": json.loads(plain["aspect"]["value"])}
        found.append(plain)
    return found


def on_the_wire(told: Sequence[Any]) -> list[Any]:
    """Proposals as the metadata service takes them."""
    from datahub.emitter.serialization_helper import pre_json_transform

    return [pre_json_transform(one.to_obj()) for one in told]


def _property(name: str) -> str:
    return f"urn:li:structuredProperty:{name}"
