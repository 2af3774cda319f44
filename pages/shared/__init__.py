"""What the pages share: the library of cases, the person's state, messages."""
