select
    cohort,
    week_number,
    count(distinct user_id) as users
from {{ ref('int_cohort_weeks') }}
group by cohort, week_number
