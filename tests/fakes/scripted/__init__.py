"""A streaming server whose every send time is known: the ground truth that clients are held against.

Limits: standard library only and nothing of the product, so that truth and the thing under test share no code. `script`
says what a reply is like, `plan` turns that into bytes and due times (pure), `http1` reads requests (pure), `engine`
owns the sockets and stamps, `truth` keeps the account, `pages` picks the answer, `process` starts it all for a test.
"""

from .process import ScriptedServer, Sent
from .script import Script

__all__ = ["Script", "ScriptedServer", "Sent"]
