"""What is asked, checked before anything runs; nothing heavy is imported here."""
