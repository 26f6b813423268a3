select
    invoice_id,
    subscription_id,
    user_id,
    issued_on,
    amount_eur,
    vat_eur,
    status
from {{ source('billing', 'invoices') }}
