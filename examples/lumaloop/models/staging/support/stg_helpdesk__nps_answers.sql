select
    answer_id,
    user_id,
    answered_on,
    score
from {{ source('helpdesk', 'nps_answers') }}
