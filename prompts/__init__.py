"""Text to a model and back: what a prompt tells, how it is rendered, and how code is read from the answer."""
