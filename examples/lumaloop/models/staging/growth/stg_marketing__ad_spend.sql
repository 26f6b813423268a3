select
    campaign_id,
    day,
    spend_eur,
    impressions,
    clicks
from {{ source('marketing', 'ad_spend') }}
