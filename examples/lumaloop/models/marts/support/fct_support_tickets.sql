select
    tickets.ticket_id,
    tickets.user_id,
    tickets.opened_at,
    tickets.opened_on,
    tickets.topic,
    tickets.priority,
    tickets.agent,
    tickets.solved_at,
    extract(epoch from (responses.first_response_at - tickets.opened_at)) / 3600.0 as first_response_hours
from {{ ref('stg_helpdesk__tickets') }} as tickets
left join {{ ref('int_first_responses') }} as responses on tickets.ticket_id = responses.ticket_id
