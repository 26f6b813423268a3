select
    day,
    channel,
    landing_page,
    visits
from {{ source('marketing', 'web_visits') }}
