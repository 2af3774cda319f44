"""Class page: the lecturer opens a room and leads it."""
