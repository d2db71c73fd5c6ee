"""A guest's console on the user's terminal: keyboard, screen, signals, and how it all ends."""
