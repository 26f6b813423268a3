# Orders of the shop, one row each.
view: orders {
  sql_table_name: @{schema}.orders ;;
  label: "Orders of tea"

  dimension: id {
    primary_key: yes
    type: number
    sql: ${TABLE}.id ;;
  }

  dimension: customer_id { hidden: yes type: number }

  dimension: status {
    description: "Where the order is: new, paid; or sent back"
    sql: ${TABLE}.status ;;
  }

  dimension: net { type: number sql: ${TABLE}.amount - ${TABLE}.tax ;; }
  dimension: net_in_thousands { type: number sql: ${net} / 1000.0 ;; }
  dimension: is_large { type: yesno sql: ${net} >= 100 ;; }
  dimension: size {
    case: {
      when: { sql: ${net} >= 100 ;; label: "large" }
      when: { sql: ${net} >= 20 ;; label: "medium" }
      else: "small"
    }
  }
  dimension: net_tier { type: tier tiers: [10, 100] sql: ${net} ;; }

  dimension_group: created {
    type: time
    timeframes: [raw, date, week, month, hour_of_day]
    sql: ${TABLE}.created_at ;;
  }
  dimension_group: to_pay {
    type: duration
    intervals: [day, hour]
    sql_start: ${created_raw} ;;
    sql_end: ${TABLE}.paid_at ;;
  }

  filter: wished_status { type: string }
  parameter: unit_of_money {
    type: unquoted
    allowed_value: { label: "Euro" value: "eur" }
  }

  measure: count { type: count drill_fields: [id, status] }
  measure: total_revenue {
    label: "Revenue"
    description: "Net revenue of all orders"
    type: sum
    sql: ${net} ;;
    value_format_name: eur
    tags: ["money"]
  }
  measure: paid_revenue {
    type: sum
    sql: ${net} ;;
    filters: [status: "paid,sent", is_large: "yes"]
  }
  measure: refunds {
    type: count
    filters: { field: status value: "-new,-paid" }
  }
  measure: customers { type: count_distinct sql: ${customer_id} ;; }
  measure: average_net { type: average sql: ${net} ;; }
  measure: smallest { type: min sql: ${net} ;; }
  measure: largest { type: max sql: ${net} ;; filters: [net: "<1000"] }
  measure: revenue_per_customer {
    type: number
    sql: 1.0 * ${total_revenue} / NULLIF(${customers}, 0) ;;
  }
  measure: last_week_revenue {
    type: sum
    sql: ${net} ;;
    filters: [created_date: "last week"]
  }
  measure: median_net { type: median sql: ${net} ;; }
  measure: in_unit { type: sum sql: {% if unit_of_money._parameter_value == 'eur' %} ${net} {% else %} ${TABLE}.amount_usd {% endif %} ;; }
  measure: a { type: number sql: ${b} + 1 ;; }
  measure: b { type: number sql: ${a} + 1 ;; }
  measure: of_customer { type: sum sql: ${net} * ${customers.discount} ;; }
}
