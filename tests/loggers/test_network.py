"""A server that answers, with whatever status, and one that does not."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gpae.loggers.network import require_answer


def test_any_answer_will_do():
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # answers 501
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    require_answer(f"http://127.0.0.1:{server.server_port}")
    thread.join()
    server.server_close()
    with pytest.raises(OSError, match="refused"):
        require_answer(f"http://127.0.0.1:{server.server_port}")
