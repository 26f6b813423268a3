project_name: "tea_shop"

constant: schema {
  value: "marts"
  export: override_optional
}
constant: finance_schema { value: "finance_@{schema}" }

local_dependency: {
  project: "blocks"
  override_constant: calendar_schema { value: "shared" }
}
