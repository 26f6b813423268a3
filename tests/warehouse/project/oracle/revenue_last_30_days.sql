-- As on the last day of each month, or the last day that has orders: 2 October.
SELECT CAST(DATE_TRUNC('month', d.date_day) AS DATE), SUM(o.amount)
FROM main.days AS d
JOIN main.orders AS o ON CAST(o.ordered_at AS DATE) > d.date_day - 30 AND CAST(o.ordered_at AS DATE) <= d.date_day
WHERE (EXTRACT(DAY FROM d.date_day + 1) = 1 AND d.date_day BETWEEN DATE '2025-09-01' AND DATE '2026-09-30')
  OR d.date_day = DATE '2026-10-02'
GROUP BY d.date_day
