-- period_agg is last: a month shows its last day, counted from the very first sign-up.
with months as (
    select cast(date_trunc('month', date_day) as date) as period, max(date_day) as day
    from marts.metricflow_time_spine
    where date_day between date '2026-01-01' and date '2026-11-21'
    group by 1
)

select months.period, count(users.user_id) as value
from months
left join marts.dim_users_v2 as users on users.signed_up_on <= months.day
group by 1
order by 1
