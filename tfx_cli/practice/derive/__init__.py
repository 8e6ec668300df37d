"""`tfx practice derive`: lines typed on a terminal (session.py) or given by a script (script.py), how they are shown
(page.py, records.py), and what is kept of them (progress.py)."""
