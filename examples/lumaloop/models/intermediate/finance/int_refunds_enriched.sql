select
    refunds.refund_id,
    refunds.invoice_id,
    invoices.user_id,
    refunds.refunded_on,
    refunds.amount_eur,
    refunds.reason
from {{ ref('stg_billing__refunds') }} as refunds
inner join {{ ref('stg_billing__invoices') }} as invoices on refunds.invoice_id = invoices.invoice_id
