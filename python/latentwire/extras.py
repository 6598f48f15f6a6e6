"""Optional dependencies: a clear word instead of an import error."""

from __future__ import annotations

import importlib.util

from latentwire.errors import MissingExtraError


def require_extra(extra: str, *modules: str) -> None:
    """Check that the modules of an extra can be imported, before anything else is done.

    Raises:
        MissingExtraError: If one is missing; the hint says what to install.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"this needs {', '.join(missing)}, which the extra {extra!r} brings",
            hint=f"pip install 'latentwire[{extra}]'",
        )
