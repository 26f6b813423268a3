select
    campaign_id,
    name,
    channel,
    started_on
from {{ source('marketing', 'campaigns') }}
