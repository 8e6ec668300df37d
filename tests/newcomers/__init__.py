"""Files that tests/test_one_file_each.py adds to a checkout: the smallest of each kind."""
