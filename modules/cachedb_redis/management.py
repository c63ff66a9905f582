"""The management commands of cachedb_redis, which tell of the connections of all workers together."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from opensips_py.module import CacheUrl, mi
from opensips_py.modules.cachedb_redis.deployment import Deployment
from opensips_py.modules.cachedb_redis.node import Node

SINGLE = "skipped (not cluster mode)"
SUMS = ("queries", "errors", "moved")
Document = dict[str, Any]


def joined(answers: list[list[Document]], join: Callable[[Document, Document], None]) -> list[Document]:
    """One document for each connection, whichever worker it is of."""
    found: dict[tuple[str, str], Document] = {}
    for document in (each for answer in answers for each in answer):
        key = document["group"], document["url"]
        if key in found:
            join(found[key], document)
        else:
            found[key] = document
    return list(found.values())


def add_nodes(into: Document, document: Document) -> None:
    """Add what another worker knows of the nodes of a connection."""
    known = {(each["ip"], each["port"]): each for each in into["nodes"]}
    into["topology_refreshes"] += document["topology_refreshes"]
    into["last_topology_refresh"] = max(into["last_topology_refresh"], document["last_topology_refresh"])
    for node in document["nodes"]:
        same = known.get((node["ip"], node["port"]))
        if same is None:
            into["nodes"].append(node)
            continue
        same.update({name: same[name] + node[name] for name in SUMS})
        same["status"] = "connected" if "connected" in (same["status"], node["status"]) else "disconnected"
        ages = [each["last_activity"] for each in (same, node) if each["last_activity"] >= 0]
        same["last_activity"] = min(ages, default=-1)


def worst(into: Document, document: Document) -> None:
    """An error of one worker is one of all."""
    if document["status"] == "error":
        into["status"] = "error"


def all_connections(answers: list[list[Document]]) -> list[Document]:
    """The connections of all workers."""
    return joined(answers, add_nodes)


def all_refreshed(answers: list[list[Document]]) -> list[Document]:
    """How it went in all workers."""
    return joined(answers, worst)


class Management:
    """Commands that look at the servers."""

    def connections(self, group: str) -> Iterator[tuple[CacheUrl, Deployment]]:
        """The connections of *group*, or all."""
        raise NotImplementedError

    @mi(None, v40="cachedb_redis:redis_cluster_info", scope="each", merge=all_connections)
    def redis_cluster_info(self, group: str = "") -> list[Document]:
        """The connections of *group*, or all, with their servers: for each its state, its slots of a cluster, and what
        it has answered, failed to, and sent on; last_activity is seconds since it answered, -1: never."""
        return [self.described(url, each) for url, each in self.connections(group)]

    @mi(None, v40="cachedb_redis:redis_cluster_refresh", scope="each", merge=all_refreshed)
    def redis_cluster_refresh(self, group: str = "") -> list[Document]:
        """Ask the clusters of *group*, or all, which node has which slots."""
        return [{"group": url.group, "url": str(url), "status": refreshed(each)}
                for url, each in self.connections(group)]

    @mi(None, v40="cachedb_redis:redis_ping_nodes")
    def redis_ping_nodes(self, group: str = "") -> list[Document]:
        """Ask each server of *group*, or of all, for a sign of life; latency_us is the microseconds until it came, -1:
        it did not."""
        return [{"group": url.group, "nodes": [pinged(node) for node in servers(each)]}
                for url, each in self.connections(group)]

    def described(self, url: CacheUrl, deployment: Deployment) -> Document:
        """One connection."""
        cluster = deployment.mode == "cluster"
        owned = {id(each): 0 for each in deployment.nodes.values()}
        for owner in deployment.slots:
            if owner is not None:
                owned[id(owner)] += 1
        nodes = [{**address(node), "status": "connected" if node.is_connected else "disconnected",
                  **({"slots_assigned": owned[id(node)]} if cluster else {}), "queries": node.queries,
                  "errors": node.errors, "moved": node.moved,
                  "last_activity": node.idle}
                 for node in servers(deployment)]
        return {"group": url.group, "url": str(url), "mode": "cluster" if cluster else "single",
                **({"cluster_command": deployment.command} if cluster else {}),
                "topology_refreshes": deployment.refreshes, "last_topology_refresh": int(deployment.refreshed_at),
                "nodes": nodes, **({"total_slots_mapped": sum(owned.values())} if cluster else {})}


def servers(deployment: Deployment) -> list[Node]:
    """The servers of a connection: those of the URL, and those that a cluster has beside them."""
    named = [deployment.node(each) for each in deployment.hosts] if deployment.mode != "cluster" else []
    return list(dict.fromkeys([*named, *deployment.masters()]))


def address(node: Node) -> Document:
    """Where a server is."""
    host, port = node.address
    unix = {"transport": "unix", "socket": node.options.socket} if node.options.socket else {}
    return {"ip": host, "port": port, **unix}


def refreshed(deployment: Deployment) -> str:
    """How it went to ask for the slots."""
    if deployment.mode != "cluster":
        return SINGLE
    return "ok" if deployment.refresh(always=True) else "error"


def pinged(node: Node) -> Document:
    """A server, and how long it takes to answer."""
    took = node.ping()
    status = "reachable" if took is not None else "disconnected" if node.last is None else "unreachable"
    return {**address(node), "status": status, "latency_us": -1 if took is None else took}
