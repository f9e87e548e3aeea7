"""Networks by name and number: what a name is, what may be probed, connections and readers that stop."""
