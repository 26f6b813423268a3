select cast(date_trunc('month', signed_up_on) as date) as period, count(*) as value
from marts.dim_users_v2
where signed_up_on between date '2026-01-01' and date '2026-11-21'
group by 1
order by 1
