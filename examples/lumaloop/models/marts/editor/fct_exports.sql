select
    export_id,
    user_id,
    exported_at,
    exported_on,
    format,
    status,
    seconds,
    has_watermark,
    platform
from {{ ref('int_exports_enriched') }}
