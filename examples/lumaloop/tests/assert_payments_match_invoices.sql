-- A payment is never larger than its invoice.
select payments.payment_id
from {{ ref('fct_payments') }} as payments
inner join {{ ref('fct_invoices') }} as invoices on payments.invoice_id = invoices.invoice_id
where payments.amount_eur > invoices.amount_eur
