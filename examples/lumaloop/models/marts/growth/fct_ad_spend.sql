select
    day,
    campaign_id,
    campaign,
    channel,
    spend_eur,
    impressions,
    clicks
from {{ ref('int_ad_spend_by_campaign') }}
