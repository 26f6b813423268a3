"""What is asked of Tableau's Metadata API (GraphQL), part by part, and of its REST API.

Every query is paged: `$first` nodes after `$afterToken`. Fields are those of the Metadata API's published schema.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One list of things that Tableau has."""

    file: str
    """Name of its recorded answers, without the ending."""
    name: str
    """What GraphQL calls the list; with `Connection` behind it where it is paged."""
    what: str
    """What messages call it."""
    fields: str
    """What is asked of each node."""
    first: int
    """Nodes asked for at once. Tableau answers a query only in part that touches more than 20,000 nodes."""

    @property
    def query(self) -> str:
        """The GraphQL text."""
        return (
            f"query {self.file}($first: Int, $afterToken: String) {{ "
            f"{self.name}Connection(first: $first, after: $afterToken) {{ "
            f"nodes {{ {' '.join(self.fields.split())} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        )


_TABLE = "id name schema fullName connectionType database { name connectionType }"
_OWNER = "owner { name username email }"
_DATASOURCE_FIELDS = """
    id name __typename
    upstreamColumns { name table { id } }
    ... on ColumnField { role aggregation }
    ... on CalculatedField { role formula }
"""

WORKBOOKS = Part(
    "workbooks",
    "workbooks",
    "workbooks and dashboards",
    f"""
    id luid name description projectName createdAt {_OWNER} tags {{ name }}
    dashboards {{ id luid name path createdAt tags {{ name }} sheets {{ id }} }}
    """,
    first=50,
)
SHEETS = Part(
    "sheets",
    "sheets",
    "sheets",
    """
    id luid name path createdAt tags { name } workbook { id }
    datasourceFields { id name __typename datasource { id } }
    """,
    first=100,
)
EMBEDDED = Part(
    "embedded_datasources",
    "embeddedDatasources",
    "data sources inside workbooks",
    f"""
    id name workbook {{ id }} downstreamSheets {{ id }} upstreamDatasources {{ id name }}
    upstreamTables {{ {_TABLE} }} fields {{ {_DATASOURCE_FIELDS} }}
    """,
    first=20,
)
PUBLISHED = Part(
    "published_datasources",
    "publishedDatasources",
    "published data sources",
    f"""
    id luid name description projectName {_OWNER} tags {{ name }}
    upstreamTables {{ {_TABLE} }} fields {{ {_DATASOURCE_FIELDS} }}
    """,
    first=20,
)
CUSTOM_SQL = Part(
    "custom_sql",
    "customSQLTables",
    "custom SQL",
    f"""
    id name query connectionType database {{ name connectionType }} tables {{ {_TABLE} }}
    columns {{ name referencedByFields {{ datasource {{ id }} }} }}
    """,
    first=50,
)
