"""The designer's works, each a chain of rooms below: design, dress, train, remake."""
