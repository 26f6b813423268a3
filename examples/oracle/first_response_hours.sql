-- Tickets without an answer have no hours and do not count in the average.
select cast(date_trunc('month', opened_on) as date) as period, avg(first_response_hours) as value
from marts.fct_support_tickets
where opened_on between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
