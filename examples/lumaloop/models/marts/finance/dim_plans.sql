select
    plan_id,
    tier,
    billing_interval,
    price_eur,
    monthly_price_eur
from {{ ref('stg_billing__plans') }}
