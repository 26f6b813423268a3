- dashboard: sales
  title: Sales of tea
  layout: newspaper
  description: What the sales team opens on Mondays
  filters:
  - name: Country
    type: field_filter
    explore: orders
    field: customers.country
  elements:
  - name: revenue
    title: Revenue by month
    model: tea
    explore: orders
    type: looker_line
    fields: [orders.created_month, orders.total_revenue]
    filters:
      orders.status: paid
    listen:
      Country: customers.country
  - name: text
    type: text
    body_text: Ask the sales team
  - name: merged
    title: Two explores
    type: looker_column
    merged_queries:
    - model: tea
      explore: orders
      fields: [buyer.country, orders.count]
    - model: tea
      explore: sales
      dimensions: [calendar.month]
      measures: [orders.paid_revenue]
  - title: Lost
    model: tea
    explore: vanished
    fields: [vanished.count]

- dashboard: sales_more
  extends: sales
  title: More of sales
  elements:
  - name: revenue
    title: Revenue by week
    model: tea
    explore: orders
    fields: [orders.created_week, orders.total_revenue]
