"""Figures of a call from what an engine says of it."""
from __future__ import annotations

from typing import Any

WHAT = {"MOS": "MOS", "jitter": "jitter", "roundtrip": "round-trip time", "packetloss": "packet loss"}
NAMES = tuple(f"{what}-{how}" for what in WHAT for how in ("average", "min", "max", "min-at", "max-at"))
COUNTED = (("bytes", "bytes"), ("packets", "packets"), ("errors", "errors"))
MARKS = {"average": "average MOS", "min": "lowest MOS", "max": "highest MOS"}


def totals(answer: dict[str, Any]) -> str | None:
    """All that was relayed, as text; None where the engine does not tell."""
    found = answer.get("totals")
    if not isinstance(found, dict):
        return None
    parts = []
    for kind in ("RTP", "RTCP"):
        figures = dictionary(found.get(kind))
        parts.append(f"{kind}: " + ", ".join(f"{number(figures.get(key)) or 0} {word}" for key, word in COUNTED))
    return "; ".join(parts)


def figure(answer: dict[str, Any], name: str, tag: str | None) -> int | None:
    """One figure of a call, of all streams or of those that the party with *tag* sends; None where it is not known.
    -min and -max are those at the moments when the MOS was the lowest and the highest."""
    what, _, how = name.partition("-")
    extreme, _, at = how.partition("-")
    samples = [dictionary(dictionary(each).get(MARKS[extreme])) for each in sources_of(answer, tag)]
    found = [(value, number(each.get("reported at"))) for each in samples
             if (value := number(each.get(WHAT[what]))) is not None]
    if not found:
        return None
    if extreme == "average":
        return sum(value for value, _ in found) // len(found)
    value, moment = (min if extreme == "min" else max)(found, key=lambda sample: sample[0])
    if not at:
        return value
    created = number(answer.get("created"))
    return None if moment is None or created is None else max(0, moment - created)


def sources_of(answer: dict[str, Any], tag: str | None) -> list[Any]:
    """What is known of each stream, by its SSRC."""
    known = dictionary(answer.get("SSRC"))
    if tag is None:
        return list(known.values())
    numbers = [str(ssrc) for media in listed(dictionary(dictionary(answer.get("tags")).get(tag)).get("medias"))
               for stream in listed(media.get("streams")) for ssrc in ssrcs_of(stream)]
    return [known[each] for each in dict.fromkeys(numbers) if each in known]


def ssrcs_of(stream: dict[str, Any]) -> list[Any]:
    """The SSRCs of a stream: one, or a list of those that it has had."""
    found = stream.get("SSRC", [])
    several = stream.get("ingress SSRCs")
    return [*(found if isinstance(found, list) else [found]),
            *(each.get("SSRC") for each in listed(several))]


def dictionary(value: Any) -> dict[str, Any]:
    """*value* if it is a dictionary, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[dict[str, Any]]:
    """The dictionaries in *value*."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def number(value: Any) -> int | None:
    """*value* if it is a number."""
    if isinstance(value, str) and value.removeprefix("-").isdigit():
        return int(value)
    return value if isinstance(value, int) else None
