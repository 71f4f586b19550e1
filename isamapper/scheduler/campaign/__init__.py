"""Many measurements: stores, processes, clusters."""
