"""What the core asks of the outside: one small protocol per noun, with its guarantees in the docstrings."""
