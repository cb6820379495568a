"""The only room with CUPS and with the documents: queues, events, page facts."""
