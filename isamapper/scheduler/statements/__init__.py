"""One statement to be scheduled: its frames, routes and surroundings."""
