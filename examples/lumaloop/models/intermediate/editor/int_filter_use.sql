{{ config(materialized='table') }}

select day, platform, tool, sum(edits) as edits
from {{ ref('stg_app__edits_daily') }}
where tool in ('filter', 'colour', 'retouch')
group by day, platform, tool
