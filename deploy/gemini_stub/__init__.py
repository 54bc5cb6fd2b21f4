"""A stand-in for Gemini's API that answers by rules, so that the AI modes work offline.

The shape of Gemini's requests and answers and its ways to fail belong here. What becomes of an answer belongs to
`worker_service.planner.ai`.
"""

from deploy.gemini_stub.server import GeminiStub

__all__ = ["GeminiStub"]
