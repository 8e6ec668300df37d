"""How records look.  show.py chooses the face: terminal, plain, json; files (html, csv, plots) are saved beside it.
Dispatch is by the record's type."""
