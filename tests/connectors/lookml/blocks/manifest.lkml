project_name: "blocks"
constant: calendar_schema { value: "nowhere" }
