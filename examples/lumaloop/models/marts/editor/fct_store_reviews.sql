select
    review_id,
    store,
    reviewed_on,
    rating
from {{ ref('stg_marketing__store_reviews') }}
