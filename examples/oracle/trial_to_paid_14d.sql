-- A subscription counts in the month of its trial, the last one of the same user before it. The window
-- of 14 days is half open: a subscription on day 13 counts, on day 14 no more.
with conversions as (
    select distinct subscriptions.subscription_id, max(trials.started_on) as trial_day
    from marts.fct_trials as trials
    inner join marts.fct_new_subscriptions as subscriptions on trials.user_id = subscriptions.user_id
    where subscriptions.started_on >= trials.started_on
      and subscriptions.started_on - trials.started_on < 14
      and trials.started_on between date '2026-01-01' and date '2026-11-21'
      and subscriptions.started_on between date '2026-01-01' and date '2026-11-21'
    group by 1
),

converted as (
    select cast(date_trunc('month', trial_day) as date) as period, count(*) as value
    from conversions
    group by 1
),

started as (
    select cast(date_trunc('month', started_on) as date) as period, count(*) as value
    from marts.fct_trials
    where started_on between date '2026-01-01' and date '2026-11-21'
    group by 1
)

select started.period, 1.0 * converted.value / started.value as value
from started
left join converted on started.period = converted.period
order by 1
