with visits as (
    select cast(date_trunc('week', day) as date) as week, channel, sum(visits) as visits
    from {{ ref('stg_marketing__web_visits') }}
    group by 1, 2
),

signups as (
    select cast(date_trunc('week', signed_up_on) as date) as week, channel, count(*) as signups
    from {{ ref('int_signups') }}
    group by 1, 2
)

select
    visits.week,
    visits.channel,
    visits.visits,
    coalesce(signups.signups, 0) as signups
from visits
left join signups on visits.week = signups.week and visits.channel = signups.channel
