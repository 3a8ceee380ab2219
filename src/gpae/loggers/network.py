"""Reachability of a service, asked before its own client waits for it."""

from urllib.error import HTTPError
from urllib.request import urlopen

_SECONDS = 10.0


def require_answer(url: str) -> None:
    """Raise an exception unless a server answers, whatever it says; proxies are respected.

    Args:
        url: Its address, http or https.

    Raises:
        OSError: It cannot be reached, or did not answer in ten seconds.
    """
    try:
        with urlopen(url, timeout=_SECONDS):
            pass
    except HTTPError:
        pass
