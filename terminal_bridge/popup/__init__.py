"""A workstation's pop-up: one person's jobs, balance and questions in a small window."""
