"""The same answers by LitServe, for ``speed_serve.py``: ``python serve_peer.py RELEASE PORT SETTING``.

It takes the same body as ``auscult serve``, decodes, prepares, runs and joins with the same functions and writes the
same bytes; the setting is JSON. No ``from __future__ import annotations``: LitServe reads the annotation of
``decode_request``, and its processes import the class from here.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import litserve
from fastapi import Body
from serve_ours import answer_together, open_with_forms
from starlette.responses import Response

from auscult.engine.runtime import Staged
from auscult.service.decoded import from_decoded


class Ecg(litserve.LitAPI):
    """One release."""

    def __init__(self, folder: Path, max_batch_size: int, batch_timeout: float) -> None:
        super().__init__(max_batch_size=max_batch_size, batch_timeout=batch_timeout)
        self.folder = folder

    def setup(self, device: object) -> None:
        """Open the release in each process."""
        self.opened, self.forms = open_with_forms(self.folder)

    def decode_request(self, request: Annotated[bytes, Body()]) -> Staged:
        """Decode and prepare one record."""
        return self.opened.stage(from_decoded(request, self.forms))

    def batch(self, inputs: list[Staged]) -> list[Staged]:
        """Keep the list: it is put together in the run."""
        return inputs

    def predict(self, x: Any) -> Any:
        """Run and join one record, or several with one run."""
        if isinstance(x, list):
            return answer_together(self.opened, x)
        return answer_together(self.opened, [x])[0]

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        """Keep the list: there is one answer for each request."""
        return output

    def encode_response(self, output: bytes) -> Response:
        """Send the bytes as they are."""
        return Response(output, media_type="application/json")


def main() -> None:
    """Serve as the command line says."""
    folder, port, text = sys.argv[1:]
    setting = json.loads(text)
    server = litserve.LitServer(
        Ecg(Path(folder), setting["max_batch_size"], setting["batch_timeout"]),
        accelerator="cpu",
        workers_per_device=setting["workers_per_device"],
        fast_queue=setting["fast_queue"],
    )
    server.run(
        host="127.0.0.1",
        port=int(port),
        num_api_servers=setting["num_api_servers"],
        log_level="error",
        generate_client_file=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
