-- period_agg is left at its default, first: a month shows the value of its FIRST day, counted from the
-- start of its quarter. So January, April, July and October show one day only.
with months as (
    select cast(date_trunc('month', date_day) as date) as period, min(date_day) as day
    from marts.metricflow_time_spine
    where date_day between date '2026-01-01' and date '2026-11-21'
    group by 1
)

select months.period, count(subscriptions.subscription_id) as value
from months
inner join marts.fct_new_subscriptions as subscriptions
    on subscriptions.started_on <= months.day
    and subscriptions.started_on >= cast(date_trunc('quarter', months.day) as date)
where not subscriptions.is_win_back
group by 1
order by 1
