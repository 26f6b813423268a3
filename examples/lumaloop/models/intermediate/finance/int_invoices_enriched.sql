select
    invoices.invoice_id,
    invoices.subscription_id,
    invoices.user_id,
    subscriptions.plan_id,
    invoices.issued_on,
    invoices.amount_eur,
    invoices.vat_eur,
    invoices.status,
    users.country
from {{ ref('stg_billing__invoices') }} as invoices
inner join {{ ref('stg_billing__subscriptions') }} as subscriptions
    on invoices.subscription_id = subscriptions.subscription_id
inner join {{ ref('stg_app__users') }} as users on invoices.user_id = users.user_id
