"""What the edge answers at its own broker, a module for each kind of question."""
