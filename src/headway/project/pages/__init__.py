"""The pages: what each shows, as plain data. Drawn by `render.html`, served by `web`, exported as one file."""
