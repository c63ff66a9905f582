"""JSON-RPC 2.0, the format of OpenSIPS since 3.0."""
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from opensips_py.errors import MIError

PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS, SERVER_ERROR = -32700, -32600, -32602, -32000

Call = Callable[[str, Any], Any]


def answer(text: str | bytes, call: Call, pretty: bool = False) -> str | None:
    """The response to the request *text*; None where it asks for none (a notification)."""
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return dump(failure(None, PARSE_ERROR, "Parse error"), pretty)
    if isinstance(request, list):
        if not request:
            return dump(failure(None, INVALID_REQUEST, "Invalid Request"), pretty)
        answers = [each for each in (single(item, call) for item in request) if each is not None]
        return dump(answers, pretty) if answers else None
    result = single(request, call)
    return None if result is None else dump(result, pretty)


def single(request: Any, call: Call) -> dict[str, Any] | None:
    """The response to one request object."""
    if not isinstance(request, dict) or not isinstance(request.get("method"), str) or \
            request.get("jsonrpc", "2.0") != "2.0" or not isinstance(request.get("params", []), (list, dict)):
        identifier = request.get("id") if isinstance(request, dict) else None
        return failure(identifier, INVALID_REQUEST, "Invalid Request")
    try:
        value = call(request["method"], request.get("params"))
    except MIError as error:
        return failure(request["id"], error.code, error.message) if "id" in request else None
    if "id" not in request:
        return None
    return {"jsonrpc": "2.0", "result": "OK" if value is None else value, "id": request["id"]}


def failure(identifier: Any, code: int, message: str) -> dict[str, Any]:
    """An error response; what the standard has a name for carries our explanation as its data."""
    error: dict[str, Any] = {"code": code, "message": message}
    if code == INVALID_PARAMS:
        error = {"code": code, "message": "Invalid params", "data": message}
    return {"jsonrpc": "2.0", "error": error, "id": identifier}


def dump(value: Any, pretty: bool) -> str:
    """*value* as JSON: in one line, or indented."""
    return json.dumps(clean(value), indent=4 if pretty else None, separators=None if pretty else (",", ":"))


def clean(value: Any) -> Any:
    """*value* without what JSON cannot carry: stray bytes of SIP messages become question marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {clean(key): clean(each) for key, each in value.items()}
    return [clean(each) for each in value] if isinstance(value, (list, tuple)) else value
