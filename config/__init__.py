"""What people declare: settings, samples, logs, and the pure policy."""
