SELECT
  query,
  userid,
  database,
  NULL AS kind,
  NULLIF(aborted, 0) AS status,
  starttime,
  endtime,
  RTRIM(querytxt) AS querytxt
FROM stl_query
WHERE
  starttime >= '2026-11-20 00:00:00'
  AND starttime < '2026-11-21 00:00:00'
  AND userid <> 1
;
SELECT DISTINCT
  s.query,
  s.tbl
FROM stl_scan AS s
JOIN stl_query AS q
  ON q.query = s.query
WHERE
  q.starttime >= '2026-11-20 00:00:00'
  AND q.starttime < '2026-11-21 00:00:00'
  AND q.userid <> 1
  AND s.tbl > 0
  AND LENGTH(RTRIM(q.querytxt)) >= 4000
;
SELECT
  t.query,
  t.sequence,
  t.text
FROM stl_querytext AS t
JOIN stl_query AS q
  ON q.query = t.query
WHERE
  q.starttime >= '2026-11-20 00:00:00'
  AND q.starttime < '2026-11-21 00:00:00'
  AND q.userid <> 1
  AND LENGTH(RTRIM(q.querytxt)) >= 4000
