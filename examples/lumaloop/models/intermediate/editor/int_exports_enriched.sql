select
    exports.export_id,
    exports.user_id,
    exports.exported_at,
    exports.exported_on,
    exports.format,
    exports.status,
    exports.seconds,
    exports.has_watermark,
    users.platform
from {{ ref('stg_app__exports') }} as exports
inner join {{ ref('stg_app__users') }} as users on exports.user_id = users.user_id
