"""What a simulated fleet sent, written down as it happened, and the verdict over what a collector has made of it."""
