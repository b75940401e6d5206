"""Why a figure is absent: what each metric needs that not every case has.

Limits: says what a metric needs in general; what one case lacked is in its validity and notes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACE = "answers of several chunks that arrive apart"
_NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "output_tok_per_s": "a closed loop at its full number of streams; output_tok_per_s_run is over the whole run",
        "ttft_scheduled_ms": "an open loop (rate)",
        "time_to_answer_ms": "answers with reasoning before them",
        "chunk_gap_ms": _PACE,
        "tpot_ms": _PACE,
        "itl_ms": _PACE,
        "generation_tok_per_s": _PACE,
        "cached_share": "a server that tells how many prompt tokens were cached",
        "goodput_per_s": "limits on single requests (slo)",
        "max_streams": "the workload saturation",
        "max_rate": "the workload saturation, searching by rate",
        "cold_start_s": "the workload cold_start",
        "ttft_drift": "the workload soak",
        "tpot_drift": "the workload soak",
        "joule_per_token": "an NVIDIA GPU of this machine that the server was given",
    }
)
_FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "server_": "a metrics page of the server that shows it",
        "gpu_": "an NVIDIA GPU of this machine that the server was given",
    }
)


def what_it_needs(name: str) -> str:
    """What a case must have for a metric to be measured; "" where every case has it.

    >>> what_it_needs("goodput_per_s")
    'limits on single requests (slo)'
    """
    family = next((need for prefix, need in _FAMILIES.items() if name.startswith(prefix)), "")
    return _NEEDS.get(name, family)
