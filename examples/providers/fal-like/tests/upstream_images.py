"""The platform from the server's side, for tests/conformance/: a job is done when it is looked at for the second time."""

from __future__ import annotations

import json
from typing import Any

from .conformance.server import Pictures, Raw, Received, Refusal


class UpstreamFormat:
    """Jobs in a queue."""

    def __init__(self) -> None:
        self._jobs: dict[str, Pictures] = {}
        self._looked_at: set[str] = set()
        self._host = ""
        self.cancelled: list[str] = []
        self.end: dict[str, Any] = {}
        """What the answer about a job that is done says besides."""
        self.unsafe = False

    def serves(self, received: Received) -> bool:
        """Returns whether a request is for images."""
        return "/fal-ai/" in received.path

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's API would have it."""
        asked = {name: value for name, value in body.items() if name not in ("image_size", "num_images", "sync_mode")}
        if "num_images" in body:
            asked["n"] = body["num_images"]
        if "image_size" in body:
            asked["size"] = "{width}x{height}".format(**body["image_size"])
        if "sync_mode" in body:
            asked["response_format"] = "b64_json" if body["sync_mode"] else "url"
        return asked

    def read_request(self, received: Received) -> dict[str, Any]:
        """Does what `read` does, and keeps where the server is."""
        self._host = received.headers["host"]
        return {**self.read(received.body), "model": received.path.removeprefix("/v1/")}

    def answer(self, pictures: Pictures, model: str) -> dict[str, Any]:
        """Returns the answer that takes a job."""
        job = f"r-{len(self._jobs) + 1}"
        self._jobs[job] = pictures
        address = f"//{self._host}/v1/fal-ai/requests/{job}"
        return {
            "request_id": job,
            "status": "IN_QUEUE",
            "queue_position": 1,
            "status_url": f"{address}/status",
            "response_url": address,
            "cancel_url": f"{address}/cancel",
        }

    def goes_on(self, received: Received) -> Raw | None:
        """Returns the answer to a request about a job."""
        _, found, rest = received.path.partition("/fal-ai/requests/")
        job, _, about = rest.partition("/")
        if not found:
            return None
        if about == "cancel":
            assert received.method == "PUT", received.method
            self.cancelled.append(job)
            return _raw({"status": "CANCELLATION_REQUESTED"}, 202)
        address = {"response_url": f"/v1/fal-ai/requests/{job}", "status_url": f"/v1/fal-ai/requests/{job}/status"}
        known = {"request_id": job, **address, "cancel_url": f"/v1/fal-ai/requests/{job}/cancel"}
        if about == "status":
            if job not in self._looked_at:
                self._looked_at.add(job)
                return _raw({**known, "status": "IN_PROGRESS"}, 202)
            return _raw({**known, "status": "COMPLETED", **self.end})
        images = [{"url": _address(image)} for image in self._jobs[job].images]
        return _raw({"images": images, "has_nsfw_concepts": [self.unsafe] * len(images)})

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"detail": refusal.message, "error_type": refusal.code}


def _raw(content: dict[str, Any], status: int = 200) -> Raw:
    return Raw(status, json.dumps(content).encode())


def _address(image: bytes | str) -> str:
    return image if isinstance(image, str) else f"data:image/png;base64,{Pictures.base64(image)}"
