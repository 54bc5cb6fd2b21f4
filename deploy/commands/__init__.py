"""The commands of operators, which `neuralearn` shows where the services are installed.

Each module has a few commands; what is slow to import is imported by the command that needs it.
"""

from deploy.commands.app import app

__all__ = ["app"]
