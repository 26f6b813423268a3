view: calendar {
  sql_table_name: "@{calendar_schema}"."Days" ;;
  dimension: day { type: date }
  dimension: month { sql: DATE_TRUNC('month', ${day}) ;; }
}
