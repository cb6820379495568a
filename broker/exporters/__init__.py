"""The fleet in the words of others: Prometheus; off unless the settings ask for it."""
