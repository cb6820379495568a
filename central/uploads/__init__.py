"""Documents that people sent: what they are, where they lie, and how office files become PDF."""
