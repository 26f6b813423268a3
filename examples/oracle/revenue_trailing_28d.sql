-- period_agg is last: a month shows its last day and the 27 days before it, also those of the month
-- before. The month still running shows its last CALENDAR day too: for November that is the 30th, so
-- nine of the 28 days have not happened yet and the value is too low. Ask by day for the value as of
-- the 21st.
with months as (
    select cast(date_trunc('month', date_day) as date) as period, max(date_day) as day
    from marts.metricflow_time_spine
    where date_day between date '2026-01-01' and date '2026-11-30'
    group by 1
)

select months.period, sum(events.amount_eur) as value
from months
inner join marts.fct_invoices as events
    on events.issued_on <= months.day
    and months.day - events.issued_on < 28
where events.status = 'paid'
group by 1
order by 1
