"""Says in one sentence why this Python cannot host the project, if it cannot."""

from __future__ import annotations

import importlib.util
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this script is what tells people with an older one
    sys.exit(
        f"remalis needs Python 3.11 or newer and {sys.executable} is {sys.version.split()[0]}: "
        "name a newer one with `make venv PYTHON=python3.11`."
    )
if importlib.util.find_spec("ensurepip") is None:
    sys.exit(
        f"{sys.executable} cannot make virtual environments because its `ensurepip` is missing: "
        "install it (on Debian and Ubuntu: apt-get install python3-venv) or name another with PYTHON=..."
    )
