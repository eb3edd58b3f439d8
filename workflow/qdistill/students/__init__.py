"""A classical layer takes a teacher's place."""
