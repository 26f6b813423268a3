-- Refunds of a month over revenue of the same month, whichever invoice they belong to.
with top as (
    select cast(date_trunc('month', refunded_on) as date) as period, sum(amount_eur) as value
    from marts.fct_refunds
    where refunded_on between date '2026-01-01' and date '2026-11-21'
    group by 1
),

bottom as (
    select cast(date_trunc('month', issued_on) as date) as period, sum(amount_eur) as value
    from marts.fct_invoices
    where issued_on between date '2026-01-01' and date '2026-11-21' and status = 'paid'
    group by 1
)

select bottom.period, 1.0 * top.value / bottom.value as value
from bottom
left join top on bottom.period = top.period
order by 1
