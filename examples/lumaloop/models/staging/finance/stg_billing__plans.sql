select
    plan_id,
    tier,
    billing_interval,
    price_eur,
    case when billing_interval = 'year' then price_eur / 12 else price_eur end as monthly_price_eur
from {{ source('billing', 'plans') }}
