"""What a statement means, and which of several counts."""
