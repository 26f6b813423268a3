with top as (
    select cast(date_trunc('month', churned_on) as date) as period, count(*) as value
    from marts.fct_churn
    where churned_on between date '2026-01-01' and date '2026-11-21'
    group by 1
),

bottom as (
    select cast(date_trunc('month', day) as date) as period, sum(subscriptions) as value
    from marts.fct_mrr_daily
    where day between date '2026-01-01' and date '2026-11-21'
    group by 1
)

select bottom.period, 30.0 * top.value / bottom.value as value
from bottom
left join top on bottom.period = top.period
order by 1
