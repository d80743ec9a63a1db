"""A platform that runs models in a queue: a job is sent, looked at until it is done, and its result fetched.

POST {api_base}/fal-ai/flux/dev
{"prompt": "a cat", "num_images": 2, "image_size": {"width": 1024, "height": 768}, "sync_mode": true}
{"request_id": "r-1", "status": "IN_QUEUE", "status_url": "...", "response_url": "...", "cancel_url": "..."}

GET {status_url}      {"request_id": "r-1", "status": "IN_PROGRESS"}, then "COMPLETED", perhaps with an "error"
GET {response_url}    {"images": [{"url": "https://..."}], "prompt": "a cat", "has_nsfw_concepts": [false]}
PUT {cancel_url}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
from litellm.types.utils import ImageObject, ImageResponse

from .errors import read_error
from .image_format import OpenAIFormatImageConfig, image_response, json_of
from .image_jobs import ImageJobs, Job, JobRequest

# Parameters of the API's own, which callers may give by name.
OWN = ("guidance_scale", "num_inference_steps", "seed")
STATES: Mapping[str, Any] = {"IN_QUEUE": "waiting", "IN_PROGRESS": "waiting", "COMPLETED": "done"}


class ImageConfig(ImageJobs, OpenAIFormatImageConfig):
    """Images by jobs. With `sync_mode`, addresses of images are data URLs, which `b64_json` is made of."""

    poll_interval = 0.5
    time_limit = 300.0

    # ---- the job ----

    def get_supported_openai_params(self, model: str) -> list[Any]:
        """Returns the parameters that the API has."""
        return ["n", "output_format", "response_format", "size", *OWN]

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters as the API has them."""
        mapped = {name: value for name, value in non_default_params.items() if name in (*OWN, "output_format")}
        if "n" in non_default_params:
            mapped["num_images"] = non_default_params["n"]
        if "response_format" in non_default_params:
            mapped["sync_mode"] = non_default_params["response_format"] == "b64_json"
        if "size" in non_default_params:
            size = re.fullmatch(r"(\d+)x(\d+)", non_default_params["size"])
            # The API has names for some, such as square_hd.
            mapped["image_size"] = (
                {"width": int(size[1]), "height": int(size[2])} if size else non_default_params["size"]
            )
        return {**optional_params, **mapped}

    def get_complete_url(self, api_base: str | None, api_key: str | None, model: str, *args: Any, **kwargs: Any) -> str:
        """Returns the URL of the model's queue."""
        return f"{api_base}/{model}"

    def transform_image_generation_request(self, model: str, prompt: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Returns the body; the model is in the URL."""
        return {"prompt": prompt, **kwargs["optional_params"]}

    # ---- until it is done ----

    def read_job(self, raw_response: httpx.Response) -> Job:
        """Returns what an answer says of the job."""
        answer = raw_response.json()
        if answer.get("error"):
            return Job(answer["request_id"], "failed", json.dumps({"error": answer["error"]}))
        return Job(answer["request_id"], STATES[answer["status"]], known=answer)

    def poll_request(self, job: Job, url: str) -> JobRequest:
        """Returns the request that looks at a job."""
        return JobRequest(job.known["status_url"])

    def result_request(self, job: Job, url: str) -> JobRequest:
        """Returns the request for the result."""
        return JobRequest(job.known["response_url"])

    def cancel_request(self, job: Job, url: str) -> JobRequest:
        """Returns the request that cancels a job."""
        return JobRequest(job.known["cancel_url"], "PUT")

    # ---- the result ----

    def transform_image_generation_response(
        self, model: str, raw_response: httpx.Response, *args: Any, **kwargs: Any
    ) -> ImageResponse:
        """Returns the result. One that the API's own check has blackened is an error, as it is with OpenAI."""
        result = json_of(raw_response)
        if any(result.get("has_nsfw_concepts") or ()):
            error = {"code": "content_policy_violation", "message": "the API's check has made the image black"}
            raise read_error(json.dumps({"error": error}), 400, raw_response.headers)
        return image_response([ImageObject(url=image["url"]) for image in result["images"]])
