select cast(date_trunc('month', refunded_on) as date) as period, sum(amount_eur) as value
from marts.fct_refunds
where refunded_on between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
