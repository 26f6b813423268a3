select
    signups.signed_up_on,
    signups.channel,
    count(*) as signups,
    count(trials.trial_id) as trials,
    count(*) filter (where trials.is_converted_in_window) as conversions
from {{ ref('int_signups') }} as signups
left join {{ ref('int_trials_with_outcome') }} as trials on signups.user_id = trials.user_id
group by signups.signed_up_on, signups.channel
