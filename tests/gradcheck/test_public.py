"""tfx.gradcheck as a tool for other people's code: its page of documentation runs, and importing it is cheap."""

import doctest
import subprocess
import sys

import tfx.gradcheck


def test_the_examples_of_the_documentation_do_what_they_say():
    failed, tried = doctest.testmod(tfx.gradcheck)
    assert tried > 10 and failed == 0


def test_every_public_name_is_there():
    assert all(getattr(tfx.gradcheck, name) is not None for name in tfx.gradcheck.__all__)
    assert len(set(tfx.gradcheck.__all__)) == len(tfx.gradcheck.__all__)


def test_checking_code_of_ones_own_does_not_import_the_models():
    told = "import sys; from tfx.gradcheck import check_gradients; print([m for m in sys.modules if 'tfx.nn' in m])"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "[]", ran.stdout + ran.stderr
