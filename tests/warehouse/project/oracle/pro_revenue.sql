-- Filtered by the tier of the customer's plan: two joins away, and no edge of the metric says so.
SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), SUM(amount) FROM main.orders
WHERE ordered_at >= DATE '2025-09-01' AND ordered_at < DATE '2026-10-07' AND customer_id IN (
  SELECT customer_id FROM main.customers WHERE plan_id IN (SELECT plan_id FROM main.plans WHERE tier = 'pro')
)
GROUP BY 1
