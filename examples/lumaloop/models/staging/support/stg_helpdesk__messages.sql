select
    message_id,
    ticket_id,
    sent_at,
    author
from {{ source('helpdesk', 'messages') }}
