select
    trial_id,
    user_id,
    started_on,
    ends_on,
    first_paid_on,
    is_converted_in_window
from {{ ref('int_trials_with_outcome') }}
