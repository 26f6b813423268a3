select export_id, user_id, exported_on, format
from {{ ref('int_exports_enriched') }}
where has_watermark and status = 'done'
