select issued_on, sum(amount_eur) as revenue_eur
from {{ ref('int_invoices_enriched') }}
group by issued_on
