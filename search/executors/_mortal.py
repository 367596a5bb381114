"""Worker processes that end with the process that made them, whatever ended it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import parent_process
from multiprocessing.context import BaseContext
from multiprocessing.util import get_temp_dir
from pathlib import Path


def pool(workers: int, context: BaseContext) -> ProcessPoolExecutor:
    """Make a pool of so many workers."""
    folder = get_temp_dir() if parent_process() is None else None  # otherwise it may be the parent's as well
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(), folder))


def end(pool: ProcessPoolExecutor) -> None:
    """Drop what is queued and kill what runs; a sandbox ends with its worker."""
    workers = list((pool._processes or {}).values())  # None once it has ended
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.join()


def _begin(driver: int, folder: str | None) -> None:
    """Leave Ctrl-C to the driver, and end when it ends, even if it is killed, with its temporary folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(driver, folder), daemon=True).start()


def _end_with(driver: int, folder: str | None) -> None:
    """Wait for the driver's end: on its descriptor, or where that is forbidden by asking once a second."""
    try:
        select.select([os.pidfd_open(driver)], [], [])
    except ProcessLookupError:
        pass
    except OSError:
        while Path(f"/proc/{driver}").exists():
            time.sleep(1)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGKILL)
