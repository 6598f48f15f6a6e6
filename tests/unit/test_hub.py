"""Parts published to a hub and loaded from it, over HTTP, with the hub's own client."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from latentwire.checkpoint import Part
from latentwire.errors import HubError, ModelNotFoundError
from latentwire.frozen import FrozenModel
from latentwire.frozen.adapted import AdaptedModel
from latentwire.lora import LoraConfig
from random_models import RandomModel

TOKEN = "hf_of_a_test"


class Hub(BaseHTTPRequestHandler):
    """What a hub answers to a client that makes a repository, commits to it, and downloads it."""

    files: dict[str, dict[str, bytes]]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer({"error": "you are not logged in"}, 401)
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'me'}/{asked['name']}"
            self.files.setdefault(name, {})
            return self._answer({"url": f"http://{self.headers['Host']}/{name}"})
        if self.path == "/api/validate-yaml":
            return self._answer({"warnings": [], "errors": []})
        _, _, _, owner, name, what, _ = self.path.split("/")
        if what == "preupload":
            files = json.loads(body)["files"]
            return self._answer(
                {
                    "files": [
                        {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                        for f in files
                    ]
                }
            )
        lines = [json.loads(line) for line in body.splitlines()]
        repository = self.files[f"{owner}/{name}"]
        for line in lines:
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                repository[line["value"]["path"]] = content
        address = f"http://{self.headers['Host']}/{owner}/{name}/commit/{self._head(repository)}"
        return self._answer({"commitUrl": address, "commitOid": self._head(repository)})

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if name not in self.files:
            return self._answer({"error": "Repository not found"}, 404, ("RepoNotFound",))
        repository = self.files[name]
        if parts[0] == "api" and parts[4:5] == ["tree"]:
            return self._answer(
                [
                    {"type": "file", "path": path, "size": len(data), "oid": _sha(data)}
                    for path, data in repository.items()
                ]
            )
        if parts[0] == "api":
            siblings = [{"rfilename": path, "size": len(d)} for path, d in repository.items()]
            head = self._head(repository)
            return self._answer({"id": name, "sha": head, "siblings": siblings, "private": False})
        return self._send(repository["/".join(parts[4:])], self._head(repository))

    do_HEAD = do_GET  # noqa: N815

    @staticmethod
    def _head(repository: dict[str, bytes]) -> str:
        return _sha(b"".join(repository[path] for path in sorted(repository)))

    def _answer(self, document: Any, status: int = 200, code: tuple[str, ...] = ()) -> None:
        self._send(json.dumps(document).encode(), "", status, code)

    def _send(
        self, body: bytes, commit: str, status: int = 200, code: tuple[str, ...] = ()
    ) -> None:
        self.send_response(status)
        for name in code:
            self.send_header("X-Error-Code", name)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{_sha(body)}"')
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _sha(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, dict[str, bytes]]]:
    """The files of a hub on this machine, by repository; clients use it, not the real one."""
    files: dict[str, dict[str, bytes]] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnHub", (Hub,), {"files": files}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    # What the environment variables HF_ENDPOINT, HF_HUB_OFFLINE and HF_HOME set at import.
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield files
    server.shutdown()
    server.server_close()
    thread.join()
    huggingface_hub.close_session()


def test_a_part_is_published_and_comes_back(
    hub: dict[str, dict[str, bytes]], random_qwen: RandomModel
) -> None:
    part = Part.load(random_qwen.adapter, "adapter")
    adapted = AdaptedModel(
        FrozenModel.load(random_qwen.model), LoraConfig(rank=2, alpha=4, targets=("q_proj",))
    )
    for parameter in adapted.weights.parameters():
        torch.nn.init.normal_(parameter)
    whole = Part("adapter", part.module, part.model, "", part.space, lora=adapted.weights.lora)
    url = whole.push_to_hub("me/adapter", bits=16, token=TOKEN)
    assert url.endswith("/me/adapter")
    assert b"latent-communication" in hub["me/adapter"]["README.md"]
    again = Part.from_pretrained("me/adapter", "adapter")
    assert again.space == part.space
    assert again.lora is not None
    for name, value in adapted.weights.lora.weights.items():
        assert torch.equal(again.lora.weights[name], value)
    for name, value in part.module.state_dict().items():
        torch.testing.assert_close(again.module.state_dict()[name], value, atol=1e-2, rtol=1e-2)
    with pytest.raises(ModelNotFoundError, match="me/nothing"):
        Part.from_pretrained("me/nothing", "adapter")


def test_what_cannot_be_published_says_why(
    hub: dict[str, dict[str, bytes]], random_qwen: RandomModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Part.load(random_qwen.adapter, "adapter")
    with pytest.raises(HubError, match="'me/adapter' was not published at http://127") as caught:
        part.push_to_hub("me/adapter", token="hf_wrong")
    assert "hf auth login" in str(caught.value.hint)
    with pytest.raises(HubError, match="not a name"):
        part.push_to_hub("not a name/at all", token=TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="offline"):
        part.push_to_hub("me/adapter", token=TOKEN)
    assert not hub
