select cast(date_trunc('month', answered_on) as date) as period, 100.0 * sum(case when score >= 9 then 1 when score <= 6 then -1 else 0 end) / count(*) as value
from marts.fct_nps_answers
where answered_on between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
