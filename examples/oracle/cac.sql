with top as (
    select cast(date_trunc('month', day) as date) as period, sum(spend_eur) as value
    from marts.fct_ad_spend
    where day between date '2026-01-01' and date '2026-11-21'
    group by 1
),

bottom as (
    select cast(date_trunc('month', started_on) as date) as period, count(*) as value
    from marts.fct_new_subscriptions
    where started_on between date '2026-01-01' and date '2026-11-21' and not is_win_back
    group by 1
)

select bottom.period, 1.0 * top.value / bottom.value as value
from bottom
left join top on bottom.period = top.period
order by 1
