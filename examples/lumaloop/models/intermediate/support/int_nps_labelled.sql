select
    answer_id,
    user_id,
    answered_on,
    score,
    case when score >= 9 then 'promoter' when score >= 7 then 'passive' else 'detractor' end as label
from {{ ref('stg_helpdesk__nps_answers') }}
