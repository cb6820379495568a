"""A whole fleet on one machine with real virtual printers; tests and benchmarks use the same lab."""
