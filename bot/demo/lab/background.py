"""Tasks that run beside a server and end with it."""

import asyncio
import functools
import socket
from collections.abc import Callable, Coroutine
from typing import Any

Work = Coroutine[Any, Any, None]


class Background:
    """Starts tasks and takes connections, and ends both. A task that fails is a fault of the lab itself: `stop` raises it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[socket.socket] = []
        self._failures: list[BaseException] = []

    def start(self, work: Work) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def listen(self, listener: socket.socket, serve: Callable[[socket.socket, str], Work]) -> None:
        """Serve each connection in a task of its own, with the client's address, and close it at the task's end."""
        self._listeners.append(listener)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener, serve)

    async def stop(self) -> None:
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # the callbacks of the last ones are still to run
        await asyncio.sleep(0)
        if self._failures:
            raise self._failures[0]

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket, str], Work]) -> None:
        try:
            connection, peer = listener.accept()
        except OSError:
            return  # it has gone again
        connection.setblocking(False)
        # no `with` in the task: one that is cancelled before its first step would never get there
        self.start(serve(connection, peer[0])).add_done_callback(functools.partial(_close, connection))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failures.append(error)


def _close(connection: socket.socket, _: asyncio.Task[None]) -> None:
    connection.close()
