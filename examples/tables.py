"""The raw tables of the demo company: the one place that names their columns and types.

The types are spelled so that DuckDB and PostgreSQL read them alike. Every table also carries
`_loaded_at`, the moment its loader wrote the row.
"""

from __future__ import annotations

RAW_SCHEMA = "raw"

MONEY = "numeric(12, 2)"
REAL = "double precision"

_COLUMNS: dict[str, dict[str, str]] = {
    "app_users": {
        "user_id": "integer", "signed_up_at": "timestamp", "country": "text", "platform": "text",
        "channel": "text", "email_opt_in": "boolean",
    },
    "app_devices": {
        "device_id": "integer", "user_id": "integer", "first_seen_on": "date", "platform": "text",
        "os_version": "text",
    },
    "app_sessions_daily": {
        "user_id": "integer", "day": "date", "platform": "text", "sessions": "integer", "minutes": "integer",
    },
    "app_edits_daily": {
        "day": "date", "tool": "text", "platform": "text", "edits": "integer",
    },
    "app_exports": {
        "export_id": "integer", "user_id": "integer", "exported_at": "timestamp", "format": "text",
        "status": "text", "seconds": REAL, "has_watermark": "boolean",
    },
    "app_storage_monthly": {
        "user_id": "integer", "month": "date", "gigabytes": REAL,
    },
    "app_crashes_daily": {
        "day": "date", "platform": "text", "sessions": "integer", "crashes": "integer",
    },
    "app_feature_flags": {
        "flag_id": "integer", "flag": "text", "created_on": "date", "rollout_percent": "integer",
    },
    "app_experiment_users": {
        "assignment_id": "integer", "experiment": "text", "user_id": "integer", "variant": "text",
        "assigned_on": "date",
    },
    "billing_plans": {
        "plan_id": "text", "tier": "text", "billing_interval": "text", "price_eur": MONEY,
    },
    "billing_trials": {
        "trial_id": "integer", "user_id": "integer", "started_on": "date", "ends_on": "date",
    },
    "billing_subscriptions": {
        "subscription_id": "integer", "user_id": "integer", "plan_id": "text", "started_on": "date",
        "ended_on": "date", "cancel_reason": "text", "previous_subscription_id": "integer",
    },
    "billing_invoices": {
        "invoice_id": "integer", "subscription_id": "integer", "user_id": "integer", "issued_on": "date",
        "amount_eur": MONEY, "vat_eur": MONEY, "status": "text",
    },
    "billing_payments": {
        "payment_id": "integer", "invoice_id": "integer", "paid_on": "date", "method": "text",
        "amount_eur": MONEY, "fee_eur": MONEY,
    },
    "billing_refunds": {
        "refund_id": "integer", "invoice_id": "integer", "refunded_on": "date", "amount_eur": MONEY,
        "reason": "text",
    },
    "marketing_campaigns": {
        "campaign_id": "integer", "name": "text", "channel": "text", "started_on": "date",
    },
    "marketing_ad_spend": {
        "campaign_id": "integer", "day": "date", "spend_eur": MONEY, "impressions": "integer",
        "clicks": "integer",
    },
    "marketing_web_visits": {
        "day": "date", "channel": "text", "landing_page": "text", "visits": "integer",
    },
    "marketing_store_reviews": {
        "review_id": "integer", "store": "text", "reviewed_on": "date", "rating": "integer",
        "body_length": "integer",
    },
    "helpdesk_tickets": {
        "ticket_id": "integer", "user_id": "integer", "opened_at": "timestamp", "topic": "text",
        "priority": "text", "agent": "text", "solved_at": "timestamp",
    },
    "helpdesk_messages": {
        "message_id": "integer", "ticket_id": "integer", "sent_at": "timestamp", "author": "text",
    },
    "helpdesk_nps_answers": {
        "answer_id": "integer", "user_id": "integer", "answered_on": "date", "score": "integer",
    },
}  # fmt: skip

TABLES: dict[str, dict[str, str]] = {name: {**columns, "_loaded_at": "timestamp"} for name, columns in _COLUMNS.items()}


def event_column(table: str) -> int | None:
    """Position of the column that says when a row happened, if there is one."""
    dated = (n for n, kind in enumerate(_COLUMNS[table].values()) if kind in ("date", "timestamp"))
    return next(dated, None)


def create_statement(table: str) -> str:
    """The CREATE TABLE statement of one raw table."""
    columns = ", ".join(f"{name} {kind}" for name, kind in TABLES[table].items())
    return f"create table {RAW_SCHEMA}.{table} ({columns})"
