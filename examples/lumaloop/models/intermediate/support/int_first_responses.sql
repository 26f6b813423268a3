select
    tickets.ticket_id,
    min(messages.sent_at) as first_response_at
from {{ ref('stg_helpdesk__tickets') }} as tickets
inner join {{ ref('stg_helpdesk__messages') }} as messages on tickets.ticket_id = messages.ticket_id
where messages.author = 'agent'
group by tickets.ticket_id
