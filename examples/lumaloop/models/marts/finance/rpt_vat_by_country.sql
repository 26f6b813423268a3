select
    cast(date_trunc('month', issued_on) as date) as month,
    country,
    sum(amount_eur) as amount_eur,
    sum(vat_eur) as vat_eur
from {{ ref('int_invoices_enriched') }}
where status = 'paid'
group by 1, 2
