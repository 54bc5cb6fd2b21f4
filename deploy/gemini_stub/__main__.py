"""`python -m deploy.gemini_stub --port 8090`: answer questions until stopped."""

import argparse
import threading

from deploy.gemini_stub.server import GeminiStub


def main() -> None:
    """Serve on the host and port of the command line until the process is stopped."""
    parser = argparse.ArgumentParser(prog="deploy.gemini_stub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    arguments = parser.parse_args()
    with GeminiStub(host=arguments.host, port=arguments.port) as stub:
        print(
            f"Gemini stub on {stub.base_url}: set GEMINI_BASE_URL={stub.base_url} and any GEMINI_API_KEY.", flush=True
        )
        threading.Event().wait()


if __name__ == "__main__":
    main()
