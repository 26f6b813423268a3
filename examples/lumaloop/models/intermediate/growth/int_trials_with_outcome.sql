with first_payment as (
    select user_id, min(started_on) as first_paid_on
    from {{ ref('stg_billing__subscriptions') }}
    group by user_id
)

select
    trials.trial_id,
    trials.user_id,
    trials.started_on,
    trials.ends_on,
    first_payment.first_paid_on,
    coalesce(
        first_payment.first_paid_on >= trials.started_on
        and first_payment.first_paid_on - trials.started_on < {{ var('trial_window_days') }},
        false
    ) as is_converted_in_window
from {{ ref('stg_billing__trials') }} as trials
left join first_payment on trials.user_id = first_payment.user_id
