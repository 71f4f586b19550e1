"""What a mapping costs and is like."""
