"""What the server costs, measured beside a floor written in C; `README.md` says how to read it."""
