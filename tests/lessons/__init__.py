import pytest

pytest.register_assert_rewrite("tests.lessons.spoiling")  # its asserts are told with their values, as those of tests
