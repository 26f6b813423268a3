-- Tickets open at the end of each day.
select
    spine.date_day as day,
    count(tickets.ticket_id) as open_tickets
from {{ ref('metricflow_time_spine') }} as spine
left join {{ ref('stg_helpdesk__tickets') }} as tickets
    on tickets.opened_on <= spine.date_day
    and (tickets.solved_at is null or cast(tickets.solved_at as date) > spine.date_day)
where spine.date_day between cast('2026-01-01' as date) and cast('{{ var("as_of") }}' as date) - 1
group by spine.date_day
