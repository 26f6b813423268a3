select
    review_id,
    store,
    reviewed_on,
    rating,
    body_length
from {{ source('marketing', 'store_reviews') }}
