"""The sink `asana`: values of key results into the external metrics of Asana goals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from headway.config import Option
from headway.errors import ConfigError
from headway.remote import Client, Refused, checked_url
from headway.sinks.protocol import Delivered, Setting
from headway.sinks.values import Value, decided, delivered

URL = "https://app.asana.com"
TOKEN = "HEADWAY_ASANA_TOKEN"  # noqa: S105 - the name of a variable
_API = "api/1.0"
_FIELDS = "metric.current_number_value,metric.initial_number_value,metric.progress_source,metric.can_manage"


class AsanaValues:
    """Sets the current value of goals whose metric is fed from outside (`progress_source: external`), nothing else.

    Raises ConfigError without a token, ServiceError when Asana cannot be reached or the token is refused.
    """

    name: ClassVar[str] = "asana"
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help=f"where Asana is, if not {URL}"),
        Option("token", str, help="token of whoever made the metrics", env=TOKEN, secret=True),
    )

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None:
        token = setting.environment.get(TOKEN, "").strip()
        if not token:
            raise ConfigError(f"writing to Asana needs {TOKEN} in the environment")
        url = checked_url("Asana", str(options.get("url") or URL))
        headers = {"authorization": f"Bearer {token}"}
        self._client = Client("Asana", url, headers=headers, progress=setting.progress)

    def deliver(self, items: Iterable[Value], *, dry_run: bool) -> Iterator[Delivered]:
        """Set, or say what would be set, one goal after the other."""
        with self._client as client:
            for item in items:
                try:
                    yield self._one(client, item, dry_run=dry_run)
                except Refused as error:
                    if error.status == 401:
                        raise
                    yield Delivered(item.key, "failed", f"{item.title}: {error}")

    def _one(self, client: Client, item: Value, *, dry_run: bool) -> Delivered:
        answer = client.get(f"{_API}/goals/{item.place}", {"opt_fields": _FIELDS})
        goal = answer.get("data") if isinstance(answer, dict) else None
        metric = goal.get("metric") if isinstance(goal, dict) else None
        if not isinstance(metric, dict):
            return Delivered(item.key, "failed", f"{item.title}: the goal has no metric in Asana")
        if metric.get("progress_source") != "external" or metric.get("can_manage") is False:
            message = f"{item.title}: its metric in Asana is not one that Headway may set"
            return Delivered(
                item.key, "left alone", f"{message} (it needs progress_source external, made by this token)"
            )
        there, initial = _number(metric.get("current_number_value")), _number(metric.get("initial_number_value"))
        what = decided(item, there, untouched=initial)

        def write() -> None:
            client.post(
                f"{_API}/goals/{item.place}/setMetricCurrentValue", {"data": {"current_number_value": item.value}}
            )

        return delivered(item, there, what, "the current value in Asana", dry_run=dry_run, write=write)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
