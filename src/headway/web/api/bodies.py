"""What a write may say. Who says it is never among it: that is whoever is signed in."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(max_length=2_000)]
Size = Literal["", "small", "medium", "large"]


class Body(BaseModel):
    """Base: nothing is taken that has no meaning."""

    model_config = ConfigDict(extra="forbid")


class Decision(Body):
    """What is decided about findings of the question `triage`."""

    act: Literal["keep", "snooze", "assign", "reopen", "link", "retire"]
    findings: list[Name] = Field(min_length=1, max_length=200, description="Handles (@1f0c9a2), CODE:asset, or assets.")
    reason: Text = ""
    until: date | None = Field(None, description="Keep, snooze: the last day on which it holds.")
    to: Text = Field("", description="Assign: the team.")
    key_result: Text = Field("", description="Link: what it shows.")
    on: date | None = Field(None, description="Retire: the day on which it goes.")


class Undo(Body):
    """Which decisions are taken back."""

    decisions: list[Name] = Field(min_length=1, max_length=200, description="Handles from GET /api/decisions.")
    reason: Text = ""


class Link(Body):
    """What is decided about a suggested link."""

    link: Name = Field(description="Its handle (@1f0c9a2), from GET /api/questions/links.")
    accept: bool = Field(description="false declines it.")
    note: Text = ""


class Tell(Body):
    """What a team is told about."""

    node: Name = Field(description="Id of a node that is broken.")


class CheckIn(Body):
    """What somebody says about a key result."""

    key_result: Name
    note: Annotated[str, Field(min_length=1, max_length=2_000)]
    confidence: Literal["", "on_pace", "at_risk", "off"] = ""


class Wish(Body):
    """A request for a new asset."""

    text: Annotated[str, Field(min_length=1, max_length=2_000)]
    decision: Text = Field("", description="Which decision it will serve.")
    key_result: Text = ""
    kind: Literal["", "dashboard", "chart", "metric", "table", "data", "other"] = ""
    readers: Text = ""
    due: date | None = None
    cost: Size = ""
    anyway: bool = Field(False, description="File it although the same was asked for before.")


class Verdict(Body):
    """What is decided about a request."""

    reason: Text = ""
    asset: Text = Field("", description="What is pointed to, extended or built.")
    cost: Size = ""
