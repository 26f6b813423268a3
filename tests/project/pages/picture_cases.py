"""Small companies that the tests of the picture pages share."""

from __future__ import annotations

from datetime import UTC, datetime

from case_graph import graph_of
from headway.config import Config
from headway.project import Project

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)

LATE = """
source tickets owner=support-team
source orders
model stg_tickets < tickets
model stg_orders < orders
model fct_tickets < stg_tickets, stg_orders   cost=12
metric first_response < fct_tickets
dashboard desk < first_response
dashboard other < fct_tickets
model sales < stg_orders
metric revenue < sales
objective care "Answer quickly" 2026-10-01..2026-12-31
key_result care.response < first_response shown_on=desk from=10 to=7 unit=hours title="Hours to first response"
key_result care.revenue < revenue from=0 to=10 title=Revenue
reading care.response 2026-11-20 9
covers "kind:source kind:model kind:dashboard" 2026-08-01..2026-11-21
views desk 12 on 2026-11-20 person=a
views other 5 on 2026-11-20 person=b
check tickets freshness error since 2026-11-14 "7 days late"
check stg_orders unique warn "2 rows"
check sales not_null pass
columns fct_tickets: hours < stg_tickets.hours, note < stg_tickets.note | shape stg_tickets.id
"""


def project_of(text: str) -> Project:
    """A project with the graph of a case in it."""
    graph = graph_of(text)
    return Project(Config(root="."), graph.as_of, NOW, {}, use_store=False).with_graph(graph)
