-- The web editor was launched in April 2026: the months before have no row.
select cast(date_trunc('month', day) as date) as period, count(distinct user_id) as value
from marts.fct_web_editor_use
where day between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
