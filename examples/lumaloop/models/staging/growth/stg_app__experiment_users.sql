select
    assignment_id,
    experiment,
    user_id,
    variant,
    assigned_on
from {{ source('app', 'experiment_users') }}
