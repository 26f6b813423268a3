select cast(date_trunc('month', answered_on) as date) as period, count(*) as value
from marts.fct_nps_answers
where answered_on between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
