{{ config(materialized='table') }}

-- One row per subscription and day on which it ran; the day of its end is not one of them.
select
    spine.date_day as day,
    subscriptions.subscription_id,
    subscriptions.user_id,
    subscriptions.plan_id,
    plans.monthly_price_eur
from {{ ref('stg_billing__subscriptions') }} as subscriptions
inner join {{ ref('stg_billing__plans') }} as plans on subscriptions.plan_id = plans.plan_id
inner join {{ ref('metricflow_time_spine') }} as spine
    on subscriptions.started_on <= spine.date_day
    and coalesce(subscriptions.ended_on, cast('9999-12-31' as date)) > spine.date_day
    and spine.date_day < cast('{{ var("as_of") }}' as date)
