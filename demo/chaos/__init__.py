"""A fleet of real processes under faults, and an oracle that counts what came of it."""
