select
    plans.plan_id,
    prices.country_group,
    prices.price_eur,
    plans.price_eur as base_price_eur
from {{ ref('plan_prices') }} as prices
inner join {{ ref('stg_billing__plans') }} as plans on prices.plan_id = plans.plan_id
