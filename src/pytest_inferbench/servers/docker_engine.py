"""The Docker Engine, as far as we need one: the seam to docker-py.

Limits: the only file that imports `docker`. What the engine refuses comes out as an error of ours; an engine that is
not there is a reason to skip.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from pytest_inferbench.errors import CellUnavailable, ProvisionError

if TYPE_CHECKING:
    from docker import APIClient

    from pytest_inferbench.servers.container_spec import ContainerSpec

_ANSWER_S = 60
_SIGNALLED = 128


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One of our containers as the engine lists it.

    Attributes:
        id, image: their ids.
        running: whether it runs.
        labels: what was noted of it.
        name, image_name: what people call them.
        status: how long it has run, or how it ended, in the engine's words.
        address: where it is published, `127.0.0.1:49153`; None where it is not.
    """

    id: str
    image: str
    running: bool
    labels: Mapping[str, str]
    name: str = ""
    image_name: str = ""
    status: str = ""
    address: str | None = None


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself.

    Attributes:
        version: its release.
        folder: where it keeps images, on its own machine.
        gives_gpus: whether it can give NVIDIA GPUs to containers.
    """

    version: str
    folder: str
    gives_gpus: bool


class Engine:
    """A Docker Engine that answered.

    Args:
        api: docker-py's client.
        errors: docker-py's errors.
    """

    def __init__(self, api: APIClient, errors: Any) -> None:  # noqa: ANN401 - a module
        self._api = api
        self._errors = errors

    def facts(self) -> EngineFacts:
        """What it says of itself.

        Raises:
            CellUnavailable: it does not answer any more.
        """
        try:
            said = self._api.info()
        except (self._errors.DockerException, OSError) as error:
            raise CellUnavailable(f"the Docker engine does not answer any more ({error}); see `docker info`") from None
        # Newer engines find GPUs by device files of the container device interface, older ones by a runtime.
        found = [str(one.get("ID", "")) for one in said.get("DiscoveredDevices") or ()]
        gives = "nvidia" in (said.get("Runtimes") or {}) or any(one.startswith("nvidia.com/gpu") for one in found)
        return EngineFacts(str(said["ServerVersion"]), str(said["DockerRootDir"]), gives)

    def image_id(self, reference: str) -> str | None:
        """The id of a local image; None where there is none of that name."""
        try:
            return str(self._image(reference)["Id"])
        except self._errors.ImageNotFound:
            return None

    def image_digest(self, reference: str) -> str:
        """What names an image's content for ever: its registry digest (`sha256:...`), else its own id."""
        known = self._image(reference)
        digests = known.get("RepoDigests") or []
        return str(digests[0].rpartition("@")[2] if digests else known["Id"])

    def _image(self, reference: str) -> dict[str, Any]:
        return dict(self._api.inspect_image(reference))  # type: ignore[no-untyped-call] # docker-py's stubs

    def pull(self, repository: str, tag: str) -> Iterator[Mapping[str, Any]]:
        """Pull an image; yields the engine's messages.

        Raises:
            LookupError: the registry has no such image.
            ConnectionError: the registry cannot be reached.
        """
        try:
            for message in self._api.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in message:
                    raise _refusal(str(message["error"]))
                yield message
        except self._errors.APIError as error:
            raise _refusal(str(error.explanation or error)) from None

    def build(
        self, context: IO[bytes], dockerfile: str, tag: str, args: Mapping[str, str], *, fresh: bool
    ) -> Iterator[Mapping[str, Any]]:
        """Build an image from a tar archive; yields the engine's messages, of which one with "error" is the last."""
        try:
            yield from self._api.build(
                fileobj=context,
                custom_context=True,
                dockerfile=dockerfile,
                tag=tag,
                buildargs=dict(args),
                nocache=fresh,
                rm=True,
                forcerm=True,
                decode=True,
            )
        except self._errors.APIError as error:
            yield {"error": str(error.explanation or error)}

    def start(self, spec: ContainerSpec, labels: Mapping[str, str], name: str) -> str:
        """Create and start a container; returns its id.

        Raises:
            CellUnavailable: the engine has no GPU runtime and GPUs are asked for.
            ProvisionError: the engine refused.
        """
        container = ""
        try:
            container = self._api.create_container(
                spec.image,
                name=name,
                entrypoint=list(spec.entrypoint) if spec.entrypoint is not None else None,
                command=list(spec.argv),
                environment=dict(spec.env),
                ports=[spec.port],
                labels=dict(labels),
                host_config=self._host_config(spec),
            )["Id"]
            if spec.secrets:
                # In its own layer they go when it goes, and no description of it has them.
                self._api.put_archive(container, "/", spec.secret_files())
            self._api.start(container)
        except self._errors.APIError as error:
            if container:
                self.remove(container)
            said = str(error.explanation or error)
            if "could not select device driver" in said:
                raise CellUnavailable(
                    f"the Docker engine cannot give GPUs to containers ({said}); install NVIDIA's container toolkit"
                ) from None
            raise ProvisionError(f"the engine did not start {spec.image}: {said}") from None
        except BaseException:
            if container:
                self.remove(container)
            raise
        return str(container)

    def _host_config(self, spec: ContainerSpec) -> dict[str, Any]:
        from docker.types import DeviceRequest  # noqa: PLC0415 - an extra
        from docker.types import Mount as DockerMount  # noqa: PLC0415 - as above

        return self._api.create_host_config(
            port_bindings={spec.port: spec.published if spec.published[1] else (spec.published[0],)},
            mounts=[DockerMount(m.target, m.source, type="bind", read_only=m.read_only) for m in spec.mounts],
            shm_size=spec.shm_bytes,
            mem_limit=spec.memory_bytes,
            # Swap would turn a limit that is too small into a server that is slow.
            memswap_limit=spec.memory_bytes,
            pids_limit=spec.pids,
            cap_drop=["ALL"],
            cap_add=list(spec.capabilities),
            security_opt=["no-new-privileges"],
            device_requests=[DeviceRequest(device_ids=list(spec.gpus), capabilities=[["gpu"]])] if spec.gpus else None,
        )

    def port(self, container: str, inside: int) -> int | None:
        """The port of 127.0.0.1 where a container's port is published; None where it runs no more."""
        bound = self._inspect(container).get("NetworkSettings", {}).get("Ports", {}).get(f"{inside}/tcp")
        return int(bound[0]["HostPort"]) if bound else None

    def end_of(self, container: str) -> str | None:
        """None while a container runs, else how it ended, in the words of `ServerProcess.alive`."""
        try:
            state = self._inspect(container).get("State")
        except (self._errors.DockerException, OSError) as error:
            return f"cannot be seen any more: the Docker engine does not answer ({type(error).__name__})"
        if state is None:
            return "was removed"
        if state["Running"] and not state.get("Dead"):
            return None
        code = int(state["ExitCode"])
        if state.get("OOMKilled"):
            return "killed by signal 9: it met its memory limit"
        return f"killed by signal {code - _SIGNALLED}" if code > _SIGNALLED else f"exited with status {code}"

    def logs(self, container: str) -> Iterator[bytes]:
        """All it wrote and will write, until it ends."""
        with contextlib.suppress(self._errors.DockerException, OSError):
            yield from self._api.logs(container, stdout=True, stderr=True, stream=True, follow=True)

    def remove(self, container: str) -> None:
        """End and remove a container; one that is gone is no error.

        Raises:
            ProvisionError: the engine does not answer, so it may run on.
        """
        try:
            self._api.remove_container(container, force=True, v=True)
        except self._errors.NotFound:
            return
        except self._errors.APIError as error:
            if "is already in progress" not in str(error.explanation or ""):
                raise ProvisionError(f"container {container[:12]} could not be removed: {error}") from None
        except (self._errors.DockerException, OSError) as error:
            raise ProvisionError(
                f"container {container[:12]} could not be removed, the Docker engine does not answer ({error}); "
                "the next run removes it"
            ) from None

    def list_labelled(self, label: str) -> tuple[ContainerState, ...]:
        """Every container with that label, `name` or `name=value`, the stopped ones included.

        Raises:
            ProvisionError: the engine does not answer.
        """
        try:
            listed = self._api.containers(all=True, filters={"label": label})
        except (self._errors.DockerException, OSError) as error:
            raise ProvisionError(f"the Docker engine does not answer any more: {error}") from None
        return tuple(map(_state, listed))

    def _inspect(self, container: str) -> dict[str, Any]:
        try:
            return dict(self._api.inspect_container(container))
        except self._errors.NotFound:
            return {}


@cache
def connect() -> Engine:
    """The engine of this process's environment (DOCKER_HOST and the like, else the local socket).

    Raises:
        CellUnavailable: docker-py is not installed, or no engine answers.
    """
    try:
        from docker import APIClient, errors  # noqa: PLC0415 - an extra, and 100 ms
        from docker.utils import kwargs_from_env  # noqa: PLC0415 - as above
    except ImportError:
        raise CellUnavailable(
            "docker-py is not installed; pip install 'pytest-inferbench[docker]', or use --provision process"
        ) from None
    try:
        return Engine(APIClient(version="auto", timeout=_ANSWER_S, **kwargs_from_env()), errors)
    except errors.DockerException as error:
        raise CellUnavailable(
            f"no Docker engine answers ({error}); start it (see `docker info`), or use --provision process"
        ) from None


def _state(listed: Mapping[str, Any]) -> ContainerState:
    ports = [f"{port['IP']}:{port['PublicPort']}" for port in listed.get("Ports") or () if "PublicPort" in port]
    return ContainerState(
        id=listed["Id"],
        image=listed["ImageID"],
        running=listed["State"] == "running",
        labels=listed["Labels"],
        name=listed["Names"][0].lstrip("/") if listed.get("Names") else "",
        image_name=listed["Image"],
        status=listed["Status"],
        address=ports[0] if ports else None,
    )


def _refusal(said: str) -> LookupError | ConnectionError:
    absent = ("not found", "manifest unknown", "does not exist", "denied", "unauthorized")
    return LookupError(said) if any(word in said.lower() for word in absent) else ConnectionError(said)
