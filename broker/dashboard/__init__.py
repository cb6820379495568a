"""Watching the fleet: a dashboard's line to a broker, what it makes of what it hears, a screen."""
