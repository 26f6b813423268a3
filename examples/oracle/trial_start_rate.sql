-- Trials of a month over sign-ups of the same month, whoever they belong to.
with top as (
    select cast(date_trunc('month', started_on) as date) as period, count(*) as value
    from marts.fct_trials
    where started_on between date '2026-01-01' and date '2026-11-21'
    group by 1
),

bottom as (
    select cast(date_trunc('month', signed_up_on) as date) as period, count(*) as value
    from marts.dim_users_v2
    where signed_up_on between date '2026-01-01' and date '2026-11-21'
    group by 1
)

select bottom.period, 1.0 * top.value / bottom.value as value
from bottom
left join top on bottom.period = top.period
order by 1
