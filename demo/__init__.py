"""A whole fleet on one machine with virtual printers; tests and benchmarks use the same lab."""
