"""How goals look in OpenMetadata: terms of a glossary, tags of a classification, or domains; and their names there.

Fully qualified names and the bodies that create things, as OpenMetadata's JSON schemas have them (createGlossary,
createGlossaryTerm, createClassification, createTag, createDomain, tagLabel, customProperty); alike from 1.12 to 2.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headway.sinks.openmetadata_items import Goal, Home, Label, Property, prints

Shape = Literal["glossary", "tags", "domains"]

COLLECTIONS = {"table": "tables", "dashboard": "dashboards", "chart": "charts"}
"""Kind of an asset -> its part of the API."""
REFERENCE = "Headway"
"""Name of the reference of a term to its goal's page."""

_LONGEST = 256
_UNFIT = re.compile(r'::+|[\x00-\x1f\x7f"/\\%;]')
"""What no name may have, and what servers refuse in the path of a request however it is quoted."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The field that says that a goal has ended."""

    field: str
    ended: Any
    living: Any


ENDINGS = {
    "glossaryTerms": Ending("entityStatus", "Deprecated", "Approved"),
    "tags": Ending("disabled", ended=True, living=False),
    "domains": Ending("entityStatus", "Deprecated", "Approved"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What goals are called in one shape, in the glossary or classification `home`."""

    shape: Shape
    home: str

    @property
    def home_fqn(self) -> str:
        """Fully qualified name of what the goals are kept in; '' for domains."""
        return "" if self.shape == "domains" else quoted(fit(self.home))

    @property
    def collection(self) -> str:
        """Part of the API of goals."""
        return {"glossary": "glossaryTerms", "tags": "tags", "domains": "domains"}[self.shape]

    def home_item(self, description: str) -> Home | None:
        """What the goals are kept in; None for domains, which stand alone."""
        if self.shape == "domains":
            return None
        texts = {"description": description}
        collection = {"glossary": "glossaries", "tags": "classifications"}[self.shape]
        return Home(
            collection=collection, fqn=self.home_fqn, name=fit(self.home), texts=texts, prints=prints(texts)
        )  # fmt: skip

    def fqn(self, path: tuple[str, ...]) -> str:
        """Fully qualified name of a goal, of its path of names: `Company goals.grow.grow_mrr`."""
        parts = path if self.shape == "glossary" else path[-1:]
        return ".".join(filter(None, [self.home_fqn, *map(quoted, parts)]))

    def label(self, path: tuple[str, ...]) -> Label:
        """What labels an asset with a goal."""
        return Label(self.fqn(path), "Glossary" if self.shape == "glossary" else "Classification")

    def goal_item(
        self, path: tuple[str, ...], *, called: str, title: str, description: str, team: str,
        links: list[tuple[str, str]],
    ) -> Goal:  # fmt: skip
        """A goal. Where there is no place for links, they stand at the end of its description."""
        text = description.strip() or title
        terms = self.shape == "glossary"
        if links and not terms:
            text += "\n\n" + " · ".join(linked(name, url) for name, url in links)
        texts = {"displayName": title, "description": text}
        return Goal(
            collection=self.collection,
            fqn=self.fqn(path),
            name=path[-1],
            home=self.home_fqn,
            parent=self.fqn(path[:-1]) if terms and len(path) > 1 else "",
            texts=texts,
            prints=prints(texts),
            synonyms=[fit(called)] if terms and called != title else [],
            references=[{"name": name, "endpoint": url} for name, url in links] if terms else [],
            team=team,
        )


def home_body(home: Home) -> dict[str, Any]:
    """What creates a glossary or a classification."""
    return {"name": home.name, "displayName": home.name, **home.texts, "mutuallyExclusive": False}


def goal_body(goal: Goal, owner: Mapping[str, Any] | None) -> dict[str, Any]:
    """What creates a goal; `owner` is a reference to a team."""
    body: dict[str, Any] = {"name": goal.name, **goal.texts}
    if goal.collection == "glossaryTerms":
        body["glossary"] = goal.home
        body |= {"parent": goal.parent} if goal.parent else {}
        body |= {"synonyms": goal.synonyms} if goal.synonyms else {}
        body |= {"references": goal.references} if goal.references else {}
    elif goal.collection == "tags":
        body["classification"] = goal.home
    else:
        body["domainType"] = "Consumer-aligned"
    return body | ({"owners": [dict(owner)]} if owner is not None else {})


def label_body(label: Label, reason: str) -> dict[str, Any]:
    """A label on an asset. `Automated` and its reason tell it from what people put there."""
    return {
        "tagFQN": label.fqn,
        "source": label.source,
        "labelType": "Automated",
        "state": "Confirmed",
        "reason": reason,
    }


def property_body(item: Property, type_id: str) -> dict[str, Any]:
    """What adds a custom property to a kind of asset."""
    return {
        "name": item.name,
        "displayName": item.title,
        "description": item.description,
        "propertyType": {"id": type_id, "type": "type"},
    }


def fit(name: str) -> str:
    """A name as OpenMetadata takes one: no `::`, nothing that breaks a path, at most 256 characters, never empty."""
    fitting = " ".join(_UNFIT.sub("-", name).split()) or "-"
    return fitting if len(fitting) <= _LONGEST else f"{fitting[: _LONGEST - 9]}-{mark(name)}"


def mark(text: str) -> str:
    """Eight characters that tell texts apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def quoted(name: str) -> str:
    """A name as one part of a fully qualified name: in quotes where it has a dot itself."""
    return f'"{name}"' if "." in name else name


def linked(text: str, url: str) -> str:
    """A link in Markdown; the text alone where there is no address."""
    return f"[{_in_link(text)}]({_address(url)})" if url else _in_link(text)


def _in_link(text: str) -> str:
    return re.sub(r"([\\\[\]])", r"\\\1", text)


def _address(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29")
