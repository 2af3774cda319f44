"""Class rooms: participants answer the lecturer's tasks on their own devices."""
