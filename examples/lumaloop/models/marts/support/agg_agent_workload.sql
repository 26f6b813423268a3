select
    cast(date_trunc('week', opened_on) as date) as week,
    agent,
    count(*) as tickets,
    count(*) filter (where solved_at is not null) as solved
from {{ ref('stg_helpdesk__tickets') }}
group by 1, 2
