from tests.postgres_ledger import url, world_there
from tests.postgres_server import server

__all__ = ["server", "url", "world_there"]
