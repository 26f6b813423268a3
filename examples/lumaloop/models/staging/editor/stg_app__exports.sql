select
    export_id,
    user_id,
    exported_at,
    format,
    status,
    seconds,
    has_watermark,
    cast(exported_at as date) as exported_on
from {{ source('app', 'exports') }}
