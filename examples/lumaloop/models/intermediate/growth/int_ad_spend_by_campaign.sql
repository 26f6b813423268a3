select
    spend.day,
    spend.campaign_id,
    campaigns.name as campaign,
    campaigns.channel,
    spend.spend_eur,
    spend.impressions,
    spend.clicks
from {{ ref('stg_marketing__ad_spend') }} as spend
inner join {{ ref('stg_marketing__campaigns') }} as campaigns on spend.campaign_id = campaigns.campaign_id
