select cast(date_trunc('month', day) as date) as period, sum(crashes) as value
from marts.fct_crashes
where day between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
