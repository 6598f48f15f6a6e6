"""Threads that seal, verify and encrypt with one object, also when everything is refused."""

from __future__ import annotations

import subprocess
import sys

SECONDS = 60
WORK = f"""
import faulthandler, sys, threading
import numpy as np
from latentwire.errors import WireError
from latentwire.message import Message, ModelRef, SpaceRef
from latentwire.trust import Encryptor, Sealer, SealKey, Verifier

# A thread that hangs with Python held stops all of them: only this one is not of Python.
faulthandler.dump_traceback_later({SECONDS}, exit=True)
sys.setswitchinterval(1e-6)
nobody = bytes(16)
message = Message(
    latents=np.ones((2, 4), np.float32),
    sender=ModelRef(name="a", fingerprint=nobody),
    space=SpaceRef(name="s", fingerprint=nobody),
)
key = SealKey("hmac-sha-256", bytes(8), bytes(32))
sealer, verifier = Sealer(key), Verifier([key.verify_key()], max_sessions=0)
encryptor = Encryptor(bytes(8), bytes(range(32)))
unsealed = message.encode()
sealed = sealer.seal(unsealed)
refused = []
calls = [
    lambda: verifier.verify(unsealed),
    lambda: verifier.expect(bytes(8), nobody),
    lambda: sealer.seal(sealed),
    lambda: encryptor.encrypt(b"no packet"),
]


def work():
    for _ in range(2000):
        for call in calls:
            try:
                call()
            except WireError:
                refused.append(1)


threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(refused))
"""


def test_threads_that_are_refused_do_not_wait_for_each_other_forever() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK], capture_output=True, text=True, timeout=2 * SECONDS
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 4 * 2000 * 4
