"""Records to one face each: terminal, plain, json, html, csv.  Dispatch is by the record's type."""
