"""What people tell us of the service: opinions, and errors that their programs met."""
