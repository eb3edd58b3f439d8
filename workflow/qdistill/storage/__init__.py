"""Files appear whole and keep their contract."""
