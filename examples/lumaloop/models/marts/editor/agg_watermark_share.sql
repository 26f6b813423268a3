select
    cast(date_trunc('week', exported_on) as date) as week,
    format,
    count(*) as exports
from {{ ref('int_watermarked_exports') }}
group by 1, 2
