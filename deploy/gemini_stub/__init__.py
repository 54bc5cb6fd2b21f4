"""A small server that answers as Gemini does, by rules over the question, so that everything works offline."""

from deploy.gemini_stub.server import GeminiStub

__all__ = ["GeminiStub"]
