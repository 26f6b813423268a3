select
    refund_id,
    invoice_id,
    user_id,
    refunded_on,
    amount_eur,
    reason
from {{ ref('int_refunds_enriched') }}
