"""What exists, which values are allowed and what a change means: pure, without I/O, clock or JSON."""
