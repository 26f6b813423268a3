-- A level: the value of a month is that of its last day with rows, never the sum over days.
with last_days as (
    select cast(date_trunc('month', day) as date) as period, max(day) as day
    from marts.fct_mrr_daily
    where day between date '2026-01-01' and date '2026-11-21'
    group by 1
)

select last_days.period, sum(levels.mrr_eur) as value
from last_days
inner join marts.fct_mrr_daily as levels on last_days.day = levels.day
group by 1
order by 1
