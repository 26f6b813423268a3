"""The pages and their JSON twins over HTTP. The only floor that knows FastAPI and Starlette."""
