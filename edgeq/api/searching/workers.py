"""Where measurements are made: in this process, in several of this machine, or on a Dask cluster."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from os import cpu_count
from typing import Any, Protocol

from edgeq.api.searching.problem import Problem
from edgeq.errors import ToolError, UsageError

Task = tuple[Any, ...]
LOCAL = "local"
"""The scheduler of a cluster of this machine's cores."""


class Workers(Protocol):
    """Who measures."""

    def run(
        self, function: Callable[..., Any], problem: Problem, tasks: Sequence[tuple[str, Task]]
    ) -> Iterator[tuple[int, Any]]:
        """Call `function(problem, *task)` for each of `tasks`, which have keys, and give results as they come.

        Yields:
            The index of a task, and its result.
        """


class Here:
    """This process."""

    def run(
        self, function: Callable[..., Any], problem: Problem, tasks: Sequence[tuple[str, Task]]
    ) -> Iterator[tuple[int, Any]]:
        for index, (_, task) in enumerate(tasks):
            yield index, function(problem, *task)


_problems: dict[str, Problem] = {}
"""In a worker: the problems that it was told."""


def _told(name: str, data: bytes | None) -> Problem | None:
    """The problem of this name, which `data` hold if it is not known yet."""
    if name not in _problems and data is not None:
        _problems.clear()
        _problems[name] = pickle.loads(data)
    return _problems.get(name)


def _call(function: Callable[..., Any], name: str, data: bytes, task: Task) -> Any:
    problem = _told(name, data)
    return function(problem, *task)


class Processes:
    """Several processes of this machine."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self._data: tuple[str, bytes] = ("", b"")

    def run(
        self, function: Callable[..., Any], problem: Problem, tasks: Sequence[tuple[str, Task]]
    ) -> Iterator[tuple[int, Any]]:
        if self._data[0] != problem.name:
            self._data = problem.name, pickle.dumps(problem)
        try:
            futures = {
                self._pool.submit(_call, function, *self._data, task): index for index, (_, task) in enumerate(tasks)
            }
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                for future in futures:
                    future.cancel()
        except BrokenProcessPool as error:
            raise ToolError(
                "a process that measured has died",
                hint="there may be too little memory: give fewer --jobs; what was measured is kept",
            ) from error


class Cluster:
    """A Dask cluster. What a worker that died was doing is done by another one."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(
        self, function: Callable[..., Any], problem: Problem, tasks: Sequence[tuple[str, Task]]
    ) -> Iterator[tuple[int, Any]]:
        from distributed import as_completed as completed

        # The problem is a task itself, so that it is there again after the worker that had it has gone.
        told = self._client.submit(pickle.loads, pickle.dumps(problem), key=f"edgeq-problem-{problem.name}")
        futures = {
            self._client.submit(function, told, *task, key=f"edgeq-{function.__name__}-{problem.name}-{key}"): index
            for index, (key, task) in enumerate(tasks)
        }
        for future, result in completed(list(futures), with_results=True):
            yield futures[future], result


@contextmanager
def workers(jobs: int = 1, scheduler: str | None = None) -> Iterator[Workers]:
    """Workers for the time of a search.

    Args:
        jobs: processes of this machine; 1: this one, 0: as many as there are cores.
        scheduler: the address of a Dask scheduler, such as tcp://host:8786, or `local` for a cluster of `jobs`
            processes; None: no cluster.

    Raises:
        UsageError: Dask is not installed, there is no such scheduler, or fewer than no processes are asked for.
    """
    if jobs < 0:
        raise UsageError(f"--jobs {jobs} is less than none", hint="0 means one for each core")
    jobs = jobs or cpu_count() or 1
    if scheduler is not None:
        with _client(scheduler, jobs) as client:
            yield Cluster(client)
    elif jobs == 1:
        yield Here()
    else:
        # Not forked: a copy of a process with threads may wait for a lock for ever.
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            yield Processes(pool)


@contextmanager
def _client(scheduler: str, jobs: int) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            "--scheduler needs Dask", hint='pip install "edgeq[search]"', where=f"--scheduler {scheduler}"
        ) from error
    if scheduler == LOCAL:
        with (
            LocalCluster(n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"no Dask scheduler answers there: {error}", hint="start one with `dask scheduler`", where=scheduler
        ) from error
    with client:
        yield client
