SELECT
  project_id,
  table_schema,
  table_name,
  total_logical_bytes
FROM `shop-prod.region-eu.INFORMATION_SCHEMA.TABLE_STORAGE` AS `shop-prod.region-eu.INFORMATION_SCHEMA.TABLE_STORAGE`
