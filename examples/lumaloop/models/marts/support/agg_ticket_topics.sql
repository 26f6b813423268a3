select
    cast(date_trunc('week', opened_on) as date) as week,
    topic,
    priority,
    count(*) as tickets
from {{ ref('stg_helpdesk__tickets') }}
group by 1, 2, 3
