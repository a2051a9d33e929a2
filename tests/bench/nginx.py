"""nginx with files that hold answers of ours, byte for byte as they are sent: the ceiling for what is in memory."""

import grp
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import load
from load import Server

# One worker, files kept open, connections that last; a buffered log, as we log every request, too.
CONFIG = """
daemon off;
user {user} {group};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log combined buffer=64k;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    open_file_cache max=1000 inactive=1h;
    open_file_cache_valid 1h;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
    server {{
        listen 127.0.0.1:{silent_port};
        access_log off;
        {locations}
    }}
}}
"""

# The ETag is nginx's own, from time and size: it would not compare with another.
LOCATION = """
        location = /{name} {{
            alias {file};
            types {{ }}
            default_type "{type}";
            add_header Cache-Control "{caching}";
            {encoding}
        }}
"""


@dataclass(frozen=True)
class Stored:
    """An answer of ours: its bytes in a file, and the headers that a client needs with them."""

    file: Path
    headers: dict[str, str]


@contextmanager
def serving(answers: Iterable[Stored], folder: Path) -> Iterator[tuple[Server, Server]]:
    """The same worker with its log, and on another port without."""
    port, silent_port = load.free_port(), load.free_port()
    names = {
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "group": grp.getgrgid(os.getgid()).gr_name,
        "locations": "".join(map(location, answers)),
    }
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, silent_port=silent_port, **names))
    ready = f"/{next(iter(answers)).file.name}"
    with load.serving(["nginx", "-p", str(folder), "-c", str(config)], port, ready) as server:
        yield server, Server(f"http://127.0.0.1:{silent_port}", server.pid)


def location(stored: Stored) -> str:
    encoding = stored.headers.get("content-encoding")
    return LOCATION.format(
        name=stored.file.name,
        file=stored.file,
        type=stored.headers["content-type"],
        caching=stored.headers["cache-control"],
        encoding=f'add_header Content-Encoding "{encoding}";' if encoding else "",
    )
