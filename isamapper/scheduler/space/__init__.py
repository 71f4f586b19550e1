"""The decision space: families of schedules, rows of integers, and their ranking by price."""
