"""The engine: claims deliveries from the outbox, renders them, paces them, and drives the sessions that send them."""
