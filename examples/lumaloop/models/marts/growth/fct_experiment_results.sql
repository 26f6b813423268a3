select
    assignments.experiment,
    assignments.variant,
    count(*) as users,
    count(trials.trial_id) as trials,
    count(*) filter (where trials.is_converted_in_window) as conversions
from {{ ref('stg_app__experiment_users') }} as assignments
left join {{ ref('int_trials_with_outcome') }} as trials on assignments.user_id = trials.user_id
group by assignments.experiment, assignments.variant
