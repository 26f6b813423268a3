select cast(date_trunc('month', exported_on) as date) as period, avg(seconds) as value
from marts.fct_exports
where exported_on between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
