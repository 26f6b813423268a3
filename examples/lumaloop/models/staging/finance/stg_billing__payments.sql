select
    payment_id,
    invoice_id,
    paid_on,
    method,
    amount_eur,
    fee_eur
from {{ source('billing', 'payments') }}
