select
    answer_id,
    user_id,
    answered_on,
    score,
    label
from {{ ref('int_nps_labelled') }}
