select cast(date_trunc('month', reviewed_on) as date) as period, avg(1.0 * rating) as value
from marts.fct_store_reviews
where reviewed_on between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
