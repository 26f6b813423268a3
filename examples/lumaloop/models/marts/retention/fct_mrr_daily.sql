select
    day,
    plan_id,
    count(*) as subscriptions,
    sum(monthly_price_eur) as mrr_eur
from {{ ref('int_subscription_days') }}
group by day, plan_id
