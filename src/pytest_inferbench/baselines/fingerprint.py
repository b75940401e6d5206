"""What a session's figures depend on besides the server's speed, and what a difference in it means.

Limits: pure. Another workload, model or way to count tokens is something else: nothing to compare with. Everything else
is compared and flagged: a version, because telling versions apart is what this is for; a machine, because the
name that people gave it says that it is the same. A part that tells machines apart may be the
change itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_inferbench.document.case import Difference, Unknown
from pytest_inferbench.files import short_hash

if TYPE_CHECKING:
    from pytest_inferbench.baselines.lines import Session
    from pytest_inferbench.document.case import CaseResult


MACHINE_CHANGED: Final = "machine_changed"
"""The code of the note on a change that is not called, since the machine is another one."""

_TELLING: Final = ("processor", "stepping", "microcode", "GPUs", "GPU driver", "GPU power limit", "kernel")
"""The parts that tell machines apart; another one of the others is the same machine."""

NOT_SET: Final = "not set"

UNKNOWN: Final = "unknown"
"""The version of a server that says none."""

KNOWN_SESSIONS: Final = 3
"""Sessions from which on the figures of a machine are known: fewer leave the level the other machine's."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The circumstances of one session of one case.

    Attributes:
        version: the server's version.
        image: the container image with its digest; None without a container.
        provision: how the server came up; "" where it was not recorded.
        server_args: hash over the server's arguments.
        workload: hash over the workload's parameters.
        token_method: how output tokens were counted.
        canary: hash over the greedy canary texts; None where none ran.
        served_model: what a server that was not started by us says it is; None for one that was.
        machine: parts of the machine by name, as `measure.environment.machine_parts` gives them.
        args: the arguments themselves; None where they were not recorded.
    """

    version: str
    workload: str
    token_method: str
    server_args: str
    provision: str = ""
    image: str | None = None
    canary: str | None = None
    served_model: str | None = None
    machine: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] | None = None

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """What nobody knows of the server, as of one that was only given by its URL."""
        by_url = self.provision == "url" and self.server_args in {"", NO_ARGS}
        unknown: dict[Unknown, bool] = {"version": self.version in {"", UNKNOWN}, "arguments": by_url}
        return tuple(what for what, is_so in unknown.items() if is_so)


def args_hash(args: Mapping[str, object]) -> str:
    """What tells two sets of server arguments apart; the same of the same arguments in any order."""
    return short_hash(json.dumps(sorted(args.items())))


NO_ARGS: Final = args_hash({})
"""The hash of no arguments, which lines of earlier versions have without them."""


def of_result(result: CaseResult, machine: Mapping[str, str]) -> Fingerprint:
    """The circumstances of a new result, measured on a machine of these parts."""
    server = result.server
    return Fingerprint(
        version=result.version,
        workload=result.workload_hash or "",
        token_method=result.token_method,
        server_args=server.args_hash or "",
        provision=server.provision or "",
        image=image_name(server.image, server.image_digest),
        canary=server.canary,
        served_model=server.served_model,
        machine=machine,
        args=None if server.args is None else {name: str(value) for name, value in server.args.items()},
    )


def of_session(session: Session) -> Fingerprint:
    """The circumstances of an accepted session."""
    return Fingerprint(
        version=session.version,
        workload=session.workload_hash,
        token_method=session.token_method,
        server_args=session.server_args_hash,
        provision=session.provision,
        image=session.image,
        canary=session.canary,
        served_model=session.served_model,
        machine=session.machine,
        args={} if session.server_args_hash == NO_ARGS else session.server_args,
    )


def image_name(reference: str | None, digest: str | None) -> str | None:
    """An image by its content instead of its tag.

    >>> image_name("registry:5000/vllm/vllm-openai:v0.8.1", "sha256:0f")
    'registry:5000/vllm/vllm-openai@sha256:0f'
    """
    if reference is None or digest is None:
        return reference
    folder, slash, name = reference.partition("@")[0].rpartition("/")
    return f"{folder}{slash}{name.partition(':')[0]}@{digest}"


def incomparable(then: Fingerprint, now: Fingerprint) -> str | None:
    """Why figures of `now` cannot be set beside those of `then`; None where they can."""
    if then.workload != now.workload:
        return f"the workload changed (hash {then.workload} -> {now.workload})"
    if then.served_model != now.served_model and then.served_model and now.served_model:
        return f"the server serves another model ({then.served_model} -> {now.served_model})"
    if then.token_method != now.token_method:
        return f"output tokens are counted another way ({then.token_method} -> {now.token_method})"
    return None


def machine_change(then: Iterable[Mapping[str, str]], now: Mapping[str, str]) -> str:
    """The parts by which a machine is another one than those before it, as `kernel 6.1 -> 6.8`; "" where it is known.

    Known is one that `KNOWN_SESSIONS` of several were measured on, or all there are.

    Args:
        then: the machines of several sessions, the last other one of which is told; what one does not record says
            nothing.
        now: today's.
    """
    changes = [
        [f"{part} {was[part]} -> {now[part]}" for part in shared if was[part] != now[part]]
        for was in then
        if (shared := [part for part in _TELLING if part in was and part in now])
    ]
    others = [change for change in changes if change]
    return ", ".join(others[-1]) if others and len(changes) - len(others) < KNOWN_SESSIONS else ""


def differences(then: Fingerprint, now: Fingerprint) -> tuple[Difference, ...]:
    """Everything that differs, as what may be why figures do; what one of the two does not record says nothing."""
    pairs = {
        "version": (then.version, now.version),
        "image": (then.image, now.image),
        "provision": (then.provision, now.provision),
    }
    unknown = {*then.unknown, *now.unknown}
    found = [
        Difference(what, was, new)
        for what, (was, new) in pairs.items()
        if was and new and was != new and what not in unknown
    ]
    found[2:2] = _arguments(then, now)
    if then.canary and now.canary and then.canary != now.canary:
        found.append(Difference("canary hash", then.canary, now.canary))
    return (*found, *_machine(then, now))


def flags(then: Fingerprint, now: Fingerprint) -> tuple[str, ...]:
    """What else than the version differs, one sentence each: compared all the same, and to be known by who reads it.

    What one of the two does not record says nothing. Another image of another version is what is expected.
    """
    found = []
    if changed := _arguments(then, now):
        found.append(f"the server's arguments changed ({', '.join(str(each).partition(' ')[2] for each in changed)})")
    if then.provision != now.provision and then.provision and now.provision:
        found.append(f"the server comes up another way ({then.provision} -> {now.provision})")
    if then.version == now.version and then.image != now.image and then.image and now.image:
        found.append(f"another image under the same version {now.version} ({then.image} -> {now.image})")
    if then.canary != now.canary and then.canary and now.canary:
        found.append(f"the server answers the canary prompts otherwise (hash {then.canary} -> {now.canary})")
    found += [f"same hardware name, other {each.what} ({each.was} -> {each.now})" for each in _machine(then, now)]
    return tuple(found)


def _arguments(then: Fingerprint, now: Fingerprint) -> list[Difference]:
    if "arguments" in {*then.unknown, *now.unknown} or "" in {then.server_args, now.server_args}:
        return []
    if then.server_args == now.server_args:
        return []
    if then.args is None or now.args is None:
        return [Difference("arguments hash", then.server_args, now.server_args)]
    return [
        Difference(f"argument {name}", was, new)
        for name in dict.fromkeys((*then.args, *now.args))
        if (was := then.args.get(name, NOT_SET)) != (new := now.args.get(name, NOT_SET))
    ]


def _machine(then: Fingerprint, now: Fingerprint) -> list[Difference]:
    return [
        Difference(part, was, now.machine[part])
        for part, was in then.machine.items()
        if now.machine.get(part, was) != was
    ]
