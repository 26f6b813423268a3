-- The month still running is compared with the WHOLE month before: November has 21 days here, October
-- 31.
with days as (
    select issued_on as day, sum(amount_eur) as value
    from marts.fct_invoices
    where status = 'paid'
    group by 1
),

this_month as (
    select cast(date_trunc('month', day) as date) as period, sum(value) as value
    from days
    where day between date '2026-01-01' and date '2026-11-21'
    group by 1
),

month_before as (
    select cast(date_trunc('month', day) + interval '1 month' as date) as period, sum(value) as value
    from days
    group by 1
)

select this_month.period, (this_month.value - month_before.value) / month_before.value as value
from this_month
inner join month_before on this_month.period = month_before.period
order by 1
