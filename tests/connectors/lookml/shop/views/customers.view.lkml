view: people {
  extension: required
  dimension: id { primary_key: yes type: number }
  dimension: name { sql: TRIM(${TABLE}.name) ;; }
  measure: count { type: count }
}

view: with_country {
  extension: required
  dimension: country { sql: ${TABLE}.country_code ;; }
}

view: customers {
  extends: [people, with_country]
  sql_table_name:
    {% if _user_attributes['is_finance'] == 'yes' %} @{finance_schema}.customers
    {% else %} @{schema}.customers {% endif %} ;;
  dimension: name { sql: UPPER(${EXTENDED}) ;; }
  dimension: discount { type: number }
}
