select
    invoice_id,
    subscription_id,
    user_id,
    plan_id,
    issued_on,
    amount_eur,
    vat_eur,
    status,
    country
from {{ ref('int_invoices_enriched') }}
