select
    ticket_id,
    user_id,
    opened_at,
    topic,
    priority,
    agent,
    solved_at,
    cast(opened_at as date) as opened_on
from {{ source('helpdesk', 'tickets') }}
