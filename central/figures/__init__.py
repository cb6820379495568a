"""Figures over many jobs: periods, what a job adds to which total, what may be asked. Pure."""
