select
    refund_id,
    invoice_id,
    refunded_on,
    amount_eur,
    reason
from {{ source('billing', 'refunds') }}
