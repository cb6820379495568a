"""The panel at a machine: pages for a copier's browser, a tablet, and a phone."""
