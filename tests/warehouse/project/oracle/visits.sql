SELECT CAST(DATE_TRUNC('month', visited_at) AS DATE), COUNT(*) FROM main.visits
WHERE visited_at >= DATE '2025-09-01' AND visited_at < DATE '2026-10-07' GROUP BY 1
