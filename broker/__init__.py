"""What is said between nodes: topics, messages, streams, who may say what, and the brokers."""
