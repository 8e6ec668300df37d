"""What a single command shows: tables, lines and documents, made of records."""
